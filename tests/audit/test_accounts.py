"""Nobody sets a password for somebody else that stays: a start password leads to the change of password, and signs nothing."""

import re

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import Client

from audit.accounts import create_user
from audit.models import Entry, StartPassword
from reviews.signing import lacks
from tests.signers import can_sign

pytestmark = pytest.mark.django_db
GIVEN, OWN = "given-by-an-admin", "known-to-nora-alone"


@pytest.fixture
def nora(db) -> User:
    return create_user(username="nora", roles=["reviewer"], name="Nora Novak", email="", password=GIVEN)


def log_in(client: Client, password: str):
    return client.post("/accounts/login/", {"login": "nora", "password": password})


def change(client: Client, old: str, new: str):
    return client.post("/accounts/password/change/", {"oldpassword": old, "password1": new, "password2": new})


def test_a_start_password_leads_nowhere_but_to_the_change_of_password(client, nora):
    log_in(client, GIVEN)

    for method, address in ((client.get, "/"), (client.get, "/record/"), (client.post, "/views/save/")):
        assert method(address)["Location"] == "/accounts/password/change/"
    assert client.get("/", headers={"HX-Request": "true"})["HX-Redirect"] == "/accounts/password/change/"
    assert client.get("/accounts/password/change/").status_code == 200

    assert change(client, GIVEN, GIVEN).status_code == 200
    assert StartPassword.objects.exists()
    assert change(client, GIVEN, OWN).status_code == 302
    assert client.get("/").status_code == 200
    assert Entry.objects.get(action="user.password_changed").actor_name == "Nora Novak"


def test_it_signs_nothing_until_then(client, nora):
    can_sign(nora, "Nora Novak")
    assert lacks(nora) == ["a password of your own, which nobody else gave you"]
    StartPassword.objects.all().delete()
    assert lacks(nora) == []


def test_a_password_that_is_given_anew_is_a_start_password_and_ends_every_session(client, nora, capsys):
    log_in(client, GIVEN)
    change(client, GIVEN, OWN)

    call_command("changepassword", "nora")

    given = re.search(r"shown once: (\S+)", capsys.readouterr().out)[1]
    assert client.get("/").status_code == 302
    assert not Client().login(username="nora", password=OWN)
    again = Client()
    log_in(again, given)
    assert again.get("/")["Location"] == "/accounts/password/change/"
    assert Entry.objects.filter(action="user.password_reset").count() == 1


def test_a_full_name_is_given_on_the_record(nora):
    call_command("name_user", "nora", "Nora Newman")
    nora.refresh_from_db()
    assert nora.get_full_name() == "Nora Newman"
    assert Entry.objects.filter(action="user.named").exists()
    with pytest.raises(CommandError, match="full name"):
        call_command("name_user", "nora", " ")
    with pytest.raises(CommandError, match="no user"):
        call_command("changepassword", "nobody")
