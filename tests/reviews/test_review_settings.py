"""How a store is reviewed: admins set it, everybody reads it, and the record keeps before and after."""

import pytest
from django.core.exceptions import ValidationError
from django.forms.models import model_to_dict

from audit.actors import Actor
from audit.models import Entry
from audit.salts import hmac_hex
from memory.agents import SettingsMoved
from memory.models import PolicyChange
from reviews.models import ReviewSettings
from reviews.review_settings import save_review_settings, settings_digest
from tests.factories import make_store

pytestmark = pytest.mark.django_db
ADAM = Actor("user", "7", "adam")
SECRET = "https://hooks.example.org/services/T0/B0/very-secret"


@pytest.fixture
def store():
    return make_store("claims")


def form_data(store, **changes) -> dict:
    kept = ReviewSettings.of(store)
    data = model_to_dict(kept, exclude=["id", "store"]) | {"seen": settings_digest(kept)} | changes
    return {name: "" if value is None else value for name, value in data.items() if value is not False}


def post(client, store, **changes):
    return client.post(
        f"/stores/{store.name}/review/save/",
        form_data(store, **changes),
    )


def test_an_admin_sets_everything_and_the_record_keeps_before_and_after(client, adam, store):
    client.force_login(adam)
    response = post(client, store, four_eyes="flagged", target_hours=24, bulk_allowed="on", bulk_cap=5)

    assert response.status_code == 302
    kept = ReviewSettings.of(store)
    assert (kept.four_eyes, kept.target_hours, kept.bulk_allowed, kept.bulk_cap) == ("flagged", 24, True, 5)
    entry = Entry.objects.get(action="review.settings_changed")
    assert (entry.data["before"]["target_hours"], entry.data["after"]["target_hours"]) == (72, 24)
    assert (entry.actor_name, entry.store) == ("adam", "claims")


def test_saving_what_is_set_leaves_no_entry(client, adam, store):
    client.force_login(adam)
    assert post(client, store).status_code == 302
    assert not Entry.objects.filter(action="review.settings_changed").exists()


def test_two_admins_do_not_overwrite_each_other(client, adam, store):
    client.force_login(adam)
    stale = form_data(store, target_hours=5)
    post(client, store, target_hours=24)

    response = client.post("/stores/claims/review/save/", stale)

    assert response.status_code == 409
    assert "changed while you had it open" in response.content.decode()
    assert ReviewSettings.of(store).target_hours == 24


def test_fewer_eyes_have_to_be_meant(client, adam, store):
    client.force_login(adam)
    post(client, store, four_eyes="always")

    asked = post(client, store, four_eyes="flagged")
    assert asked.status_code == 422
    assert 'type="checkbox" name="fewer"' in asked.content.decode()
    assert ReviewSettings.of(store).four_eyes == "always"

    assert post(client, store, four_eyes="flagged", fewer="on").status_code == 302
    assert ReviewSettings.of(store).four_eyes == "always"
    assert PolicyChange.objects.get().after == {"four_eyes": "flagged"}


def test_more_eyes_need_no_confirmation(client, adam, store):
    client.force_login(adam)
    assert post(client, store, four_eyes="always").status_code == 302


@pytest.mark.parametrize(
    "wrong",
    [
        {"bulk_cap": 51},
        {"target_hours": 0},
        {"second_look_share": 101},
        {"hold_back_seconds": 601},
        {"webhook_url": "ftp://example.org/x"},
        {"webhook_url": "javascript:alert(1)"},
        {"remind_by_mail": "rita@example.org\nnot an address"},
        {"remind_by_mail": "rita@example.org,\r\nBcc: all@example.org"},
        {"remind_by_mail": "\n".join(f"r{n}@example.org" for n in range(21))},
        {"four_eyes": "nobody"},
    ],
)
def test_what_makes_no_sense_is_refused(client, adam, store, wrong):
    client.force_login(adam)
    assert post(client, store, **wrong).status_code == 422
    assert ReviewSettings.of(store).pk is None


def test_the_webhook_is_shown_to_admins_only_and_kept_out_of_the_record(client, adam, rita, store):
    client.force_login(adam)
    post(client, store, webhook_url=SECRET, remind_by_mail="rita@example.org")

    assert SECRET in client.get("/stores/claims/review/").content.decode()
    client.force_login(rita)
    page = client.get("/stores/claims/review/").content.decode()
    assert "very-secret" not in page
    assert "rita@example.org" not in page
    assert "set, shown to admins only" in page
    entry = Entry.objects.get(action="review.settings_changed")
    assert "very-secret" not in str(entry.data)
    assert "rita@" not in str(entry.data)
    assert entry.data["webhook_url_after_hmac"] == hmac_hex(entry.salt.value, SECRET)
    assert "webhook_url" not in entry.data["after"]


def test_the_service_refuses_what_the_form_would(store):
    with pytest.raises(ValidationError):
        save_review_settings(settings=ReviewSettings(store=store, bulk_cap=1), actor=ADAM)


def test_the_service_tells_a_moved_setting(store):
    seen = settings_digest(ReviewSettings.of(store))
    save_review_settings(settings=ReviewSettings(store=store, target_hours=1), actor=ADAM)
    with pytest.raises(SettingsMoved):
        save_review_settings(settings=ReviewSettings(store=store, target_hours=2), actor=ADAM, seen=seen)
