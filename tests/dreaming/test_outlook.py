"""Before a dream is started somebody sees what it would read and cost, and nothing that a model is paid for starts unseen."""

import re

import pytest

from dreaming import outlook
from dreaming.engines.prompts import notes_hash
from dreaming.models import Dream, SessionNotes
from tests.dreaming.fleet import dream, load_fleet
from tests.factories import make_agent, make_session, make_store

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(db):
    return load_fleet()


@pytest.fixture
def small(db):
    """A store with so few sessions that nothing is found and no API is asked."""
    store = make_store("claims", [make_agent()])
    for _ in range(3):
        make_session(store.agents.get())
    return store


@pytest.fixture
def admin(client, adam):
    client.force_login(adam)
    return client


def wanted(store, **options) -> dict:
    return {"store": store.pk, "engine": "claude", "window": "all", "max_proposals": 12, **options}


def fragment(admin, store, **options):
    return admin.post("/dreams/estimate/", wanted(store, **options), headers={"HX-Request": "true"})


def hidden(page: str) -> str:
    return re.search(r'name="shown" value="([^"]+)"', page)[1]


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_a_mining_pass_is_free_and_says_what_is_new_and_how_long_the_last_one_took(admin, store):
    first = text_of(fragment(admin, store, engine="mining").content.decode())
    ended = dream(store)
    for _ in range(3):
        make_session(store.agents.first())
    then = text_of(fragment(admin, store, engine="mining", window="100").content.decode())

    assert "Free: this engine pays for nothing." in first
    assert f"{store.sessions().count() - 3} in the window Last pass none yet" in first
    assert f"100 in the window, 3 new since {ended.public_id}" in then
    assert re.search(rf"Last pass {ended.sessions} sessions in \d+\.\d s", then)


def test_claudes_estimate_is_counted_and_nothing_is_paid(admin, store, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS = 25
    SessionNotes.objects.bulk_create(
        SessionNotes(
            session=session, prompt_hash=notes_hash(), model=settings.DAYLIGHT_MODEL, data={"observations": []}
        )
        for session in store.sessions()[:40]
    )

    answer = fragment(admin, store)
    said = text_of(answer.content.decode())

    assert answer.status_code == 200
    assert re.search(r"About \$\d+\.\d\d , at most \$\d+\.\d\d\. Nothing is paid yet\.", said)
    assert "25 by the model; 40 have notes already" in said
    assert re.search(r"Tokens [\d,]{5,} in, about [\d,]{5,} out Cap \$5\.00", said)
    assert claude.counted
    assert claude.requests == []
    assert not Dream.objects.exists()


def test_without_javascript_the_page_comes_back_with_the_estimate_and_what_was_typed(admin, small, claude):
    page = admin.post("/dreams/estimate/", wanted(small, window="2"))

    assert page.status_code == 200
    assert "<html" in page.content.decode()
    assert 'value="2"' in page.content.decode()
    assert "2 in the window" in text_of(page.content.decode())
    assert hidden(page.content.decode())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"window": "soon"}, "Window: 'soon' is not a window."),
        ({"max_proposals": 0}, "Max proposals:"),
        ({"max_cost": "-1"}, "Max cost:"),
    ],
)
def test_a_form_that_makes_no_sense_is_refused_with_the_field(admin, small, claude, options, said):
    answer = fragment(admin, small, **options)

    assert answer.status_code == 422
    assert said in text_of(answer.content.decode()).replace("&#x27;", "'")


def test_without_a_key_it_says_what_to_set(admin, small):
    answer = fragment(admin, small)

    assert answer.status_code == 422
    assert "needs a key: set ANTHROPIC_API_KEY" in answer.content.decode()


def test_an_api_that_is_away_is_told_soon_and_nothing_is_started(admin, store, claude, settings):
    settings.ANTHROPIC_BASE_URL = "http://127.0.0.1:9"

    answer = fragment(admin, store)
    started = admin.post("/dreams/start/", wanted(store))

    assert answer.status_code == started.status_code == 422
    assert "http://127.0.0.1:9 cannot be reached. Check the network." in answer.content.decode()
    assert "cannot be reached" in started.content.decode()
    assert not Dream.objects.exists()


def test_a_dream_that_costs_is_started_only_once_its_cost_was_shown(admin, small, claude):
    unseen = admin.post("/dreams/start/", wanted(small))
    token = hidden(unseen.content.decode())
    started = admin.post("/dreams/start/", wanted(small, shown=token))

    assert unseen.status_code == 422
    assert "Not started yet." in unseen.content.decode()
    assert started.status_code == 302
    assert Dream.objects.get().engine == "claude"


@pytest.mark.parametrize("changed", [{"window": "2"}, {"max_proposals": 3}, {"max_cost": "9"}])
def test_what_was_shown_of_other_options_does_not_count(admin, small, claude, changed):
    token = hidden(fragment(admin, small).content.decode())

    assert admin.post("/dreams/start/", wanted(small, shown=token, **changed)).status_code == 422
    assert not Dream.objects.exists()


@pytest.mark.parametrize("token", ["", "forged", "W10:1abc:x"])
def test_a_forged_token_does_not_count(admin, small, claude, token):
    assert admin.post("/dreams/start/", wanted(small, shown=token)).status_code == 422
    assert not Dream.objects.exists()


def test_a_token_is_good_for_an_hour(admin, small, claude, monkeypatch):
    token = hidden(fragment(admin, small).content.decode())
    monkeypatch.setattr(outlook, "GOOD_FOR_SECONDS", -1)

    assert admin.post("/dreams/start/", wanted(small, shown=token)).status_code == 422


def test_a_cost_over_the_cap_is_confirmed(admin, store, claude):
    page = fragment(admin, store, max_cost="0.01").content.decode()
    token = hidden(page)
    unconfirmed = admin.post("/dreams/start/", wanted(store, max_cost="0.01", shown=token))
    confirmed = admin.post("/dreams/start/", wanted(store, max_cost="0.01", shown=token, confirmed="on"))

    assert "over the cap of $0.01" in page
    assert unconfirmed.status_code == 422
    assert confirmed.status_code == 302
    assert 'name="confirmed"' not in fragment(admin, store).content.decode()


def test_too_many_sessions_are_not_counted_while_somebody_waits(admin, small, claude, monkeypatch):
    monkeypatch.setattr(outlook, "MOST_SESSIONS", 2)

    page = fragment(admin, small).content.decode()
    token = hidden(page)

    assert "Not estimated:" in page
    assert "manage.py dream --store claims --engine claude --window all --estimate" in page
    assert claude.counted == []
    assert admin.post("/dreams/start/", wanted(small, shown=token)).status_code == 422
    assert admin.post("/dreams/start/", wanted(small, shown=token, confirmed="on")).status_code == 302


def test_mining_is_started_at_once(admin, small):
    assert admin.post("/dreams/start/", wanted(small, engine="mining")).status_code == 302
