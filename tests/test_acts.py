"""Every address that changes something × every visitor: one act in the record, or a refusal and nothing; and when the
record cannot be written, nothing at all."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from audit.actors import Actor
from audit.holds import set_hold
from audit.models import Entry
from dreaming.models import Dream
from memory.models import MemoryStore, Proposal
from memory.services import QuoteDraft
from memory.stopping import stop_store
from reviews import changes, holding
from reviews.ballots import Ballot
from reviews.bulk import Item, manifest_of
from reviews.erasing import preview
from reviews.models import EvidenceReview, HeldBallot, ReviewSettings, SavedView
from reviews.policies import AutoPolicy
from reviews.review_settings import save_review_settings
from reviews.services import decide
from sessions.models import Agent
from sessions.preparing import prepare
from sessions.services import ingest, issue_key
from sessions.withdrawing import mark_poisoned
from tests.conftest import make_user
from tests.factories import approve, make_agent, make_live_memory, make_proposal, make_session, make_store
from tests.reviews.test_review_settings import form_data
from tests.sessions.samples import line

pytestmark = pytest.mark.django_db


@dataclass
class World:
    """What there is before somebody presses a button."""

    rita: User
    ruth: User
    adam: User
    agent: Agent
    store: MemoryStore
    proposals: list[Proposal] = field(default_factory=list)

    def proposal(self, **fields: Any) -> Proposal:
        return make_proposal(self.store, **fields)


# What a button posts: the arguments of its address, and the form.
Press = tuple[list[Any], dict[str, Any]]


def decide_it(world: World) -> Press:
    proposal = world.proposal()
    return [proposal.pk], {"verdict": "approve", "digest": proposal.digest, "reason": "It is right."}


def rebase_it(world: World) -> Press:
    base = make_live_memory(world.store, world.rita, content="Wait for noon.")
    update = {"operation": "update", "path": base.path, "base_version": base}
    late = world.proposal(content="Wait for noon.\n\nThen call.", **update)
    approve(world.proposal(content="Wait for one.", **update), world.rita)
    return [late.pk], {}


def with_form(**form: Any) -> Callable[[World], Press]:
    return lambda world: ([world.proposal().pk], form)


def asked(world: World) -> Proposal:
    proposal = world.proposal()
    changes.ask_for_changes(proposal_id=proposal.pk, by=world.ruth, note="Shorter.")
    return proposal


def rejected(world: World) -> Proposal:
    proposal = world.proposal()
    decide(proposal_id=proposal.pk, decider=world.ruth, ballot=Ballot("reject", proposal.digest, "Wrong."))
    return proposal


def held(world: World) -> HeldBallot:
    ReviewSettings.objects.create(store=world.store, hold_back_seconds=60)
    proposal = world.proposal()
    return holding.cast(proposal_id=proposal.pk, decider=world.rita, ballot=Ballot("approve", proposal.digest, "Yes."))


def let_through(world: World) -> Press:
    """What the auto policy approved."""
    Agent.objects.update(mode="auto")
    proposal = world.proposal()
    decision = decide(proposal_id=proposal.pk, decider=AutoPolicy(), ballot=Ballot("approve", proposal.digest, "Auto."))
    return [decision.pk], {"note": "Looked."}


def several(world: World) -> Press:
    ReviewSettings.objects.create(store=world.store, bulk_allowed=True)
    items = [Item(proposal.pk, proposal.digest) for proposal in (world.proposal(), world.proposal())]
    sent = [f"{item.proposal}:{item.digest}" for item in items]
    return [], {"item": sent, "manifest": manifest_of(items), "reason": "Plain."}


def stopped(world: World) -> Press:
    stop_store(store_id=world.store.pk, actor=Actor.user(world.ruth), reason="Wrong.")
    return ["claims"], {"reason": "Mended."}


def to_plant(world: World) -> Press:
    """In two stores: still one act."""
    for store in (world.store, make_store("second", [world.agent])):
        make_proposal(store, title="`post_entry` fails while the ledger is locked", support={"tool": "post_entry"})
    return [], {"stores": ["claims", "second"], "count": 2, "number": 7}


def settings_of(world: World) -> Press:
    return ["claims"], form_data(world.store, target_hours=24)


def agent_settings_of(world: World) -> Press:
    form = {"mode": "auto", "auto_min_sessions": 12, "auto_min_agents": 3, "stores": [make_store("second").pk]}
    return ["teller"], form


def schedule(world: World) -> Press:
    policy = {"schedule": "daily", "engine": "mining", "window": "all", "max_proposals": 12, "remote_store": ""}
    return ["teller", world.store.pk], {f"{world.store.pk}-{name}": value for name, value in policy.items()}


def a_key(world: World) -> Press:
    key, _ = issue_key(agent=world.agent, scopes=["read"], issued_by=Actor.system("test"))
    return ["teller", key.pk], {}


def about_ruth(**form: str) -> Callable[[World], Press]:
    return lambda world: ([world.ruth.pk], form)


def away(world: World) -> Press:
    User.objects.filter(pk=world.ruth.pk).update(is_active=False)
    return [world.ruth.pk], {}


def of_session(**form: str) -> Callable[[World], Press]:
    return lambda world: ([make_session(world.agent).pk], {"reason": "It was wrong.", **form})


def erase_it(world: World) -> Press:
    subject = str(make_session(world.agent).pk)
    seen = preview(scope="session", subject=subject).hits.token
    said = {"scope": "session", "subject": subject, "seen": seen, "legal_basis": "gdpr_17_1_c", "reason": "Request 12."}
    return [], said


def a_hold(world: World) -> Press:
    hold = set_hold(kind="store", subject=str(world.store.pk), reason="Case 12.", actor=Actor.system("test"))
    return [hold.pk], {"reason": "Closed."}


def without_evidence(**form: str) -> Callable[[World], Press]:
    def prepare(world: World) -> Press:
        session = make_session(world.agent, ["one two"])
        make_live_memory(world.store, world.ruth, evidence=[QuoteDraft(session.pk, 0, "one", "supports")])
        mark_poisoned(session_id=session.pk, reason="Planted.", actor=Actor.user(world.ruth))
        return [EvidenceReview.objects.get().pk], {"reason": "I looked.", **form}

    return prepare


def a_loosening(world: World) -> Press:
    ReviewSettings.objects.create(store=world.store, four_eyes="always")
    wanted = ReviewSettings(store=world.store, four_eyes="never")
    change = save_review_settings(settings=wanted, actor=Actor.user(make_user("alma", "admin")))
    return [change.pk], {"note": "Agreed."}


def waived(world: World) -> Press:
    ReviewSettings.objects.create(store=world.store, four_eyes="always", waivers_allowed=True)
    proposal = world.proposal()
    ballot = Ballot("approve", proposal.digest, "Nobody is here.", waiver="waiver")
    return [decide(proposal_id=proposal.pk, decider=world.ruth, ballot=ballot).waiver.pk], {"note": "I looked."}


# Address → who may press it, and what is pressed.
GOVERNED: dict[str, tuple[str, Callable[[World], Press]]] = {
    "reviews:decide": ("reviewer", decide_it),
    "reviews:rebase": ("reviewer", rebase_it),
    "reviews:comment": ("reviewer", with_form(body="Look at the third quote.")),
    "reviews:assign": ("reviewer", with_form(to="ruth")),
    "reviews:escalate": ("reviewer", with_form(reason="Two should look.")),
    "reviews:ask_for_changes": ("reviewer", with_form(note="Shorter.")),
    "reviews:withdraw_request": ("reviewer", lambda world: ([asked(world).pk], {})),
    "reviews:reword": ("reviewer", lambda world: ([asked(world).pk], {"content": "Wait.", "path": "/tools/wait.md"})),
    "reviews:revert": (
        "reviewer",
        lambda world: ([make_live_memory(world.store, world.ruth).decision.proposal_id], {"why": "It was wrong."}),
    ),
    "reviews:reopen": ("reviewer", lambda world: ([rejected(world).pk], {"why": "Look again."})),
    "reviews:undo": ("reviewer", lambda world: ([held(world).pk], {})),
    "reviews:bulk_approve": ("reviewer", several),
    "reviews:keep_decision": ("reviewer", let_through),
    "reviews:reverse_decision": ("reviewer", let_through),
    "reviews:confirm_waived": ("reviewer", waived),
    "reviews:revert_waived": ("reviewer", waived),
    "reviews:still_stands": ("reviewer", without_evidence()),
    "reviews:change_it": ("reviewer", without_evidence(change="delete")),
    "reviews:confirm_policy_change": ("admin", a_loosening),
    "reviews:refuse_policy_change": ("admin", a_loosening),
    "reviews:erase_now": ("admin", erase_it),
    "reviews:set_hold": ("auditor", lambda world: ([], {"kind": "principal", "subject": "jane", "reason": "Case 12."})),
    "reviews:lift_hold": ("auditor", a_hold),
    "reviews:export_entries": ("admin auditor reviewer", lambda world: ([], {"format": "csv"})),
    "agent_sessions:correct_outcome": ("admin", of_session(outcome="failure")),
    "agent_sessions:poison": ("admin reviewer", of_session()),
    "reviews:new_store": ("admin", lambda world: ([], {"name": "second"})),
    "reviews:change_review_settings": ("admin", settings_of),
    "reviews:stop_publishing": ("admin reviewer", lambda world: (["claims"], {"reason": "Wrong."})),
    "reviews:resume_publishing": ("admin reviewer", stopped),
    "reviews:plant_items": ("admin", to_plant),
    "reviews:grant_role": ("admin", about_ruth(role="auditor")),
    "reviews:revoke_role": ("admin", about_ruth(role="reviewer")),
    "reviews:deactivate_user": ("admin", about_ruth()),
    "reviews:activate_user": ("admin", away),
    "dreaming:start_dream": (
        "admin",
        lambda world: ([], {"store": world.store.pk, "engine": "mining", "window": "all", "max_proposals": 12}),
    ),
    "dreaming:cancel_dream": (
        "admin",
        lambda world: ([Dream.objects.create(store=world.store, requested_by="test").pk], {}),
    ),
    "dreaming:new_agent": ("admin", lambda world: ([], {"slug": "clerk", "store": world.store.pk})),
    "dreaming:change_agent": ("admin", agent_settings_of),
    "dreaming:change_schedule": ("admin", schedule),
    "dreaming:new_key": ("admin", lambda world: (["teller"], {"scopes": ["read"], "label": "", "days": ""})),
    "dreaming:revoke_key": ("admin", a_key),
    "dreaming:rotate_key": ("admin", a_key),
}

# Changes nothing that is governed, and why.
UNGOVERNED = {
    "reviews:preview": "nothing is kept",
    "reviews:search_to_erase": "nothing is kept",
    "dreaming:estimate": "nothing is kept",
    "reviews:take_over": "who reads a proposal now: a courtesy that expires",
    "reviews:release": "the same",
    "reviews:dismiss": "a notice that its reader has read",
    "reviews:snooze": "one's own sight",
    "reviews:unsnooze": "the same",
    "reviews:save_view": "one's own bookmark",
    "reviews:delete_view": "the same",
    "reviews:reveal": "how a proposal was read: kept in the reading, which its decision names",
    "reviews:reading": "the same",
    "account_login": "a log-in that succeeds is in last_login; failures that matter have tests of their own",
    "account_logout": "ends a browser session",
    "account_reauthenticate": "a password asked for again; failures count as at the log-in",
    "mfa_authenticate": "the second step of a log-in; failures count",
    "mfa_reauthenticate": "the same",
    "api-1:open_one": "a session that runs is nobody's evidence: its close is the act",
    "api-1:add_events": "the same",
}
# What changes credentials is everybody's own, and needs the password again; the API needs a key.
OWN = {"account_change_password", "mfa_activate_totp", "mfa_deactivate_totp", "mfa_generate_recovery_codes"}
# The tools of MCP call the same services.
BY_KEY = {"otlp_traces", "api-1:send_sessions", "api-1:close_one", "api-1:say_outcome", "api-1:propose", "mcp"}
# In Anthropic's words: tests/memory/anthropic_api says which key may do what.
BY_KEY |= {f"anthropic_{name}" for name in ("stores", "store", "archive", "memories", "memory", "versions", "version")}
BY_KEY |= {"anthropic_redact", "anthropic_nothing"}
# Needs a password and a code: tests/reviews/test_signing.py.
SIGNED = {"reviews:set_signing_password"}
# Answers to any method alike, and writes nothing.
READS = {"healthz", "web_health", "api-1:api-root", "api-1:openapi-json", "mfa_download_recovery_codes"}


def names() -> dict[str, URLPattern]:
    """Every address of the site."""
    found: dict[str, URLPattern] = {}

    def walk(patterns: list[Any], namespace: str = "") -> None:
        for pattern in patterns:
            if isinstance(pattern, URLResolver):
                walk(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else namespace)
            elif pattern.name:
                found[f"{namespace}{pattern.name}"] = pattern

    walk(get_resolver().url_patterns)
    return found


def address_of(name: str, pattern: URLPattern) -> str:
    """An address that the view is asked by, whatever it is about."""
    kinds = pattern.pattern.converters.items()
    return reverse(name, kwargs={key: 1 if type(kind).__name__ == "IntConverter" else "x" for key, kind in kinds})


def test_every_address_that_takes_a_post_is_listed(client, adam, rita, aude):
    unlisted = names().keys() - GOVERNED.keys() - UNGOVERNED.keys() - OWN - BY_KEY - SIGNED - READS
    taken = {}
    for user in (adam, rita, aude):
        client.force_login(user)
        for name in unlisted:
            status = client.post(address_of(name, names()[name])).status_code
            taken |= {name: status} if status not in (403, 405) else {}
    assert taken == {}, "list it in GOVERNED, or in UNGOVERNED with the reason"
    listed = GOVERNED.keys() | UNGOVERNED.keys() | OWN | BY_KEY | SIGNED
    assert listed - names().keys() == set()


# Who reads what now, sessions of browsers and counters: nothing that is governed.
COURTESY = {"django_session", "django_cache", "reviews_claim", "reviews_reading", "reviews_savedview", "reviews_snooze"}


def contents() -> dict[str, tuple[int, str]]:
    """Rows and hash of every governed table."""
    tables = sorted(set(connection.introspection.table_names()) - COURTESY)
    ask = " UNION ALL ".join(
        f"SELECT '{table}', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t" for table in tables
    )
    with connection.cursor() as cursor:
        cursor.execute(ask)
        return {name: (count, digest) for name, count, digest in cursor.fetchall()}


@contextmanager
def record_out_of_order() -> Iterator[None]:
    """No entry can be written: the database refuses it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "RESET ROLE; SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED;"
            " CREATE FUNCTION no_entry() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no entry'; END$$;"
            " CREATE TRIGGER no_entry BEFORE INSERT ON audit_entry EXECUTE FUNCTION no_entry(); SET ROLE daylight_app"
        )
        yield
        cursor.execute("RESET ROLE; DROP FUNCTION no_entry() CASCADE; SET ROLE daylight_app")


@pytest.fixture
def world(rita, ruth, adam, aude, oscar) -> World:
    cache.clear()
    agent = make_agent("teller")
    return World(rita, ruth, adam, agent, make_store("claims", [agent]))


@pytest.fixture
def visitors(world, aude, oscar) -> dict[str, Client]:
    """By who they are. The agent has a key for everything that keys are for."""
    _, secret = issue_key(agent=world.agent, scopes=["ingest", "read", "propose"], issued_by=Actor.system("test"))
    made = {"nobody": Client(), "agent": Client(headers={"Authorization": f"Bearer {secret}"})}
    for user in (world.rita, world.adam, aude, oscar):
        made[user.username] = Client()
        made[user.username].force_login(user)
    for visitor in made.values():
        visitor.raise_request_exception = False
    return made


ROLES = {"rita": "reviewer", "adam": "admin", "aude": "auditor"}


def acts_since(seq: int) -> set[UUID]:
    return set(Entry.objects.filter(seq__gt=seq).values_list("act", flat=True))


def newest() -> int:
    return Entry.objects.order_by("-seq").values_list("seq", flat=True).first() or 0


@pytest.mark.parametrize("name", GOVERNED)
def test_it_is_one_act_or_a_refusal(name, world, visitors):
    roles, prepare = GOVERNED[name]
    arguments, form = prepare(world)
    address = reverse(name, args=arguments)
    allowed = {who for who, role in ROLES.items() if role in roles.split()}
    before, last = contents(), newest()

    for who in visitors.keys() - allowed:
        assert visitors[who].post(address, form).status_code in (302, 401, 403), who
    assert contents() == before

    for who in sorted(allowed):
        with record_out_of_order():
            assert visitors[who].post(address, form).status_code == 500
        assert contents() == before

    who = min(allowed)
    response = visitors[who].post(address, form)
    assert response.status_code in (200, 302), response.content.decode()[:2000]
    assert len(acts_since(last)) == 1
    assert {entry.actor_name for entry in Entry.objects.filter(seq__gt=last)} == {who}


@pytest.mark.parametrize("name", sorted(UNGOVERNED))
def test_what_is_not_governed_leaves_no_entry(name, world, visitors):
    proposal, view = world.proposal(), SavedView.objects.create(user=world.rita, name="mine", query="")
    arguments = {"reviews:delete_view": [view.pk], "reviews:dismiss": [0]}.get(name, [proposal.pk])
    address = reverse(name, args=arguments if ":" in name and "<" in str(names()[name].pattern) else [])
    before = contents()
    for visitor in visitors.values():
        assert visitor.post(address, {"name": "new", "span": "hour"}).status_code < 500
    after = contents()
    assert {table for table in after if after[table] != before[table]} <= {"auth_user", "agent_sessions_apikey"}, (
        "but when somebody, or a key, was there last"
    )


def new_password(client: Client) -> dict[str, str]:
    return {"oldpassword": "rita-password", "password1": "a-new-long-password", "password2": "a-new-long-password"}


def code(client: Client) -> dict[str, str]:
    client.get(reverse("mfa_activate_totp"))
    secret, counter = client.session[totp.SECRET_SESSION_KEY], next(totp.yield_hotp_counters_from_time())
    return {"code": totp.format_hotp_value(totp.hotp_value(secret, counter))}


def second_factor(client: Client) -> dict[str, str]:
    client.post(reverse("mfa_activate_totp"), code(client))
    return {}


FORMS = {"account_change_password": new_password, "mfa_activate_totp": code}


@pytest.mark.parametrize("name", sorted(OWN))
def test_ones_own_credentials_are_one_act_or_nothing(name, world, visitors):
    client, address = Client(raise_request_exception=False), reverse(name)
    client.post(reverse("account_login"), {"login": "rita", "password": "rita-password"})
    client.post(reverse("account_reauthenticate"), {"password": "rita-password"})
    form = FORMS.get(name, second_factor)(client)
    before, last = contents(), newest()

    for who in ("nobody", "agent"):
        assert visitors[who].post(address, form).status_code == 302
    with record_out_of_order():
        assert client.post(address, form).status_code == 500
    assert contents() == before

    assert client.post(address, form).status_code == 302
    assert len(acts_since(last)) == 1
    assert {entry.actor_name for entry in Entry.objects.filter(seq__gt=last)} == {"rita"}


def a_session(visitor: Client) -> dict[str, Any]:
    return {"path": reverse("api-1:send_sessions"), "data": line("s-1", agent="teller")}


def an_open_session(visitor: Client) -> dict[str, Any]:
    visitor.put("/api/v1/sessions/s-1", b'{"agent": "teller"}', content_type="application/json")
    event = b'{"seq": 0, "type": "message", "role": "user", "text": "Hello."}'
    visitor.post("/api/v1/sessions/s-1/events", event, content_type="application/x-ndjson")
    return {"path": "/api/v1/sessions/s-1/close", "data": b'{"outcome": {"status": "success"}}'}


def a_suggestion(visitor: Client) -> dict[str, Any]:
    asked = {"operation": "create", "path": "/tools/wait.md", "content": "Wait for the close.", "reason": "It helps."}
    return {"path": "/api/v1/agents/teller/proposals", "data": json.dumps(asked)}


@pytest.mark.parametrize("prepare", [a_session, an_open_session, a_suggestion])
def test_what_agents_send_is_one_act_or_nothing(world, visitors, prepare):
    send = {"content_type": "application/json", **prepare(visitors["agent"])}
    before, last = contents(), newest()
    for who in visitors.keys() - {"agent"}:
        assert visitors[who].post(**send).status_code == 401
    assert contents() == before
    with record_out_of_order():
        assert visitors["agent"].post(**send).status_code == 500
    assert set(changed(before)) <= {"agent_sessions_apikey"}, "but when the key was used last"

    assert visitors["agent"].post(**send).status_code in (201, 202)
    assert len(acts_since(last)) == 1
    last = newest()
    assert visitors["agent"].post(**send).status_code in (200, 202, 409)
    assert not acts_since(last), "what is known already changes nothing"


def changed(before: dict[str, tuple[int, str]]) -> list[str]:
    after = contents()
    return [table for table in after if after[table] != before[table]]


def test_an_import_with_a_new_agent_and_store_is_one_act(world):
    last = newest()
    ingest(sessions=[prepare(line("s-1", agent="newcomer"))], store="new-store", actor=Actor.user(make_user("una")))
    assert len(acts_since(last)) == 1
