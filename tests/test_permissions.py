"""Every page, fragment and form × every kind of visitor."""

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from audit.models import LegalHold
from dreaming.models import Dream
from memory.models import Memory, MemoryVersion, PolicyChange, Proposal
from reviews.models import (
    ChangeRequest,
    Comment,
    Decision,
    EvidenceReview,
    HeldBallot,
    ReReview,
    SavedView,
    Waiver,
)
from sessions.models import Agent, ApiKey
from tests.factories import make_agent, make_live_memory, make_proposal, make_session, make_store

pytestmark = pytest.mark.django_db

# The MCP endpoint asks for an API key itself: its tests are with the other doors of agents.
OPEN_TO_ALL = {"healthz", "web_health", "mcp", "otlp_traces", "reviews:speculation"}
WRITES = {
    "reviews:decide": "reviewer",
    "reviews:preview": "reviewer",
    "reviews:rebase": "reviewer",
    **dict.fromkeys(
        (
            *("reviews:take_over", "reviews:release", "reviews:comment", "reviews:assign", "reviews:escalate"),
            *("reviews:ask_for_changes", "reviews:withdraw_request", "reviews:reword", "reviews:revert"),
            *("reviews:reopen", "reviews:undo", "reviews:dismiss"),
        ),
        "reviewer",
    ),
    "reviews:set_signing_password": "reviewer",
    "reviews:confirm_policy_change": "admin",
    "reviews:refuse_policy_change": "admin",
    "reviews:confirm_waived": "reviewer",
    "reviews:revert_waived": "reviewer",
    **dict.fromkeys(("reviews:still_stands", "reviews:change_it"), "reviewer"),
    **dict.fromkeys(("reviews:search_to_erase", "reviews:erase_now", "agent_sessions:correct_outcome"), "admin"),
    **dict.fromkeys(("reviews:set_hold", "reviews:lift_hold"), "auditor"),
    "agent_sessions:poison": "admin reviewer",
    "reviews:snooze": "reviewer",
    "reviews:unsnooze": "reviewer",
    "reviews:save_view": "reviewer admin auditor",
    "reviews:delete_view": "reviewer admin auditor",
    "reviews:export_entries": "reviewer admin auditor",
    "reviews:new_store": "admin",
    "reviews:change_review_settings": "admin",
    "reviews:bulk_approve": "reviewer",
    "reviews:keep_decision": "reviewer",
    "reviews:reverse_decision": "reviewer",
    "reviews:stop_publishing": "admin reviewer",
    "reviews:resume_publishing": "admin reviewer",
    "reviews:reveal": "reviewer",
    "reviews:reading": "reviewer",
    "reviews:plant_items": "admin",
    "dreaming:start_dream": "admin",
    "dreaming:estimate": "admin",
    "dreaming:cancel_dream": "admin",
    "dreaming:new_agent": "admin",
    "dreaming:change_agent": "admin",
    "dreaming:change_schedule": "admin",
    "dreaming:new_key": "admin",
    "dreaming:revoke_key": "admin",
    "dreaming:rotate_key": "admin",
    **dict.fromkeys(
        (f"reviews:{name}" for name in ("grant_role", "revoke_role", "deactivate_user", "activate_user")), "admin"
    ),
}
# Pages that are not for everybody.
READS = {
    "reviews:test_items": {"adam"},
    "reviews:quality": {"adam", "aude"},
    "reviews:my_reading": {"rita"},
    "reviews:people": {"adam", "aude"},
    "reviews:signing": {"rita"},
    "reviews:erase": {"adam"},
}


def view_names() -> list[str]:
    """The names of our own addresses; allauth's and the API's have their own tests."""
    names = []

    def walk(patterns, namespace=""):
        for pattern in patterns:
            if isinstance(pattern, URLPattern) and pattern.name and "allauth" not in pattern.callback.__module__:
                names.append(f"{namespace}{pattern.name}")
            elif isinstance(pattern, URLResolver) and not str(pattern.pattern).startswith(
                ("api/", "anthropic/", "accounts/")
            ):
                walk(pattern.url_patterns, f"{pattern.namespace}:" if pattern.namespace else namespace)

    walk(get_resolver().url_patterns)
    return sorted(set(names) - OPEN_TO_ALL)


@pytest.fixture
def addresses(rita) -> dict[str, str]:
    """An address of each view, about rows that exist."""
    agent = make_agent("teller")
    store = make_store("claims", [agent])
    session = make_session(agent)
    version = make_live_memory(store, rita)
    proposal = make_proposal(store, session)
    dream = Dream.objects.create(store=store, requested_by="test")
    key = ApiKey.objects.create(agent=agent, public_id="abc", secret_hash="0" * 64, scopes=["read"], issued_by="test")
    held = HeldBallot.objects.create(
        proposal=make_proposal(store, session),
        user=rita,
        user_name="rita",
        ballot={"verdict": "approve"},
        due_at=timezone.now(),
    )
    waiver = Waiver.objects.create(
        decision=version.decision, kind="waiver", reason="Alone.", by_id=0, by_name="x", due_at=timezone.now()
    )
    change = PolicyChange.objects.create(
        store=store, before={"signatures": True}, after={"signatures": False}, looser=[], proposed_by="0"
    )
    waiting = EvidenceReview.objects.create(memory=version.memory)
    about_it = ("state", "take_over", "release", "comment", "assign", "escalate", "ask_for_changes")
    answers = ("withdraw_request", "reword", "revert", "reopen")
    view = SavedView.objects.create(user=rita, name="mine", query="")
    by_prefix = {
        **{f"reviews:{name}": [proposal.pk] for name in (*about_it, *answers)},
        "reviews:confirm_waived": [waiver.pk],
        "reviews:revert_waived": [waiver.pk],
        "reviews:confirm_policy_change": [change.pk],
        "reviews:refuse_policy_change": [change.pk],
        "reviews:undo": [held.pk],
        "reviews:dismiss": [held.pk],
        "reviews:store_detail": ["claims"],
        "reviews:review_settings": ["claims"],
        "reviews:change_review_settings": ["claims"],
        "reviews:keep_decision": [version.decision.pk],
        "reviews:reverse_decision": [version.decision.pk],
        "reviews:stop_publishing": ["claims"],
        "reviews:resume_publishing": ["claims"],
        "reviews:memory_detail": [version.memory_id],
        "reviews:proposal_detail": [proposal.pk],
        "reviews:decide": [proposal.pk],
        "reviews:preview": [proposal.pk],
        "reviews:rebase": [proposal.pk],
        "reviews:reveal": [proposal.pk],
        "reviews:reading": [proposal.pk],
        "reviews:snooze": [proposal.pk],
        "reviews:unsnooze": [proposal.pk],
        "reviews:delete_view": [view.pk],
        "reviews:entry": [1],
        "reviews:store_at": ["claims"],
        "reviews:store_changes": ["claims"],
        "reviews:session_memory": [session.pk],
        "reviews:agent_memory": ["teller"],
        "reviews:memory_blame": [version.memory_id],
        "reviews:version_detail": [version.memory_id, version.revision],
        "dreaming:dream_detail": [dream.pk],
        "dreaming:dream_progress": [dream.pk],
        "dreaming:dream_readiness": [dream.pk],
        "dreaming:readiness": ["claims"],
        "dreaming:cancel_dream": [dream.pk],
        "dreaming:agent_detail": ["teller"],
        "dreaming:change_agent": ["teller"],
        "dreaming:new_key": ["teller"],
        "dreaming:change_schedule": ["teller", store.pk],
        "dreaming:revoke_key": ["teller", key.pk],
        "dreaming:rotate_key": ["teller", key.pk],
        **{f"reviews:{name}": [rita.pk] for name in ("grant_role", "revoke_role", "deactivate_user", "activate_user")},
        "agent_sessions:session_detail": [session.pk],
        "agent_sessions:correct_outcome": [session.pk],
        "agent_sessions:poison": [session.pk],
        "reviews:erase": ["session", make_session(agent).pk],
        "reviews:lift_hold": [LegalHold.objects.create(kind="session", subject="0", reason="x", set_by_name="x").pk],
        "reviews:still_stands": [waiting.pk],
        "reviews:change_it": [waiting.pk],
        "agent_sessions:session_event": [session.pk, 0],
    }
    return {name: reverse(name, args=by_prefix.get(name, [])) for name in view_names()}


def state() -> tuple:
    """What a write would change."""
    agent = Agent.objects.get()
    proposals = list(Proposal.objects.order_by("pk").values_list("status", flat=True))
    dreams = list(Dream.objects.order_by("pk").values_list("status", flat=True))
    keys = list(ApiKey.objects.order_by("pk").values_list("revoked_at", flat=True))
    return (
        agent.mode,
        proposals,
        dreams,
        keys,
        Decision.objects.count(),
        MemoryVersion.objects.count(),
        Memory.objects.count(),
        Comment.objects.count(),
        ChangeRequest.objects.count(),
        ReReview.objects.count(),
        list(PolicyChange.objects.values_list("state", flat=True)),
        list(HeldBallot.objects.values_list("state", "dismissed_at")),
    )


@pytest.mark.parametrize("name", view_names())
def test_nobody_gets_anywhere_without_a_role(client, oscar, addresses, name):
    before = state()
    method = client.post if name in WRITES else client.get

    anonymous = method(addresses[name])
    assert anonymous.status_code == 302
    assert anonymous["Location"].startswith("/accounts/login/")
    assert method(addresses[name], headers={"HX-Request": "true"}).headers["HX-Redirect"].startswith("/accounts/login/")
    client.force_login(oscar)
    assert method(addresses[name]).status_code == 403
    assert method(addresses[name], headers={"HX-Request": "true"}).status_code == 403
    assert state() == before


@pytest.mark.parametrize("name", sorted(set(view_names()) - set(WRITES)))
@pytest.mark.parametrize("who", ["rita", "adam", "aude"])
def test_every_role_reads_every_page_but_those_of_leads(client, request, addresses, name, who):
    client.force_login(request.getfixturevalue(who))
    allowed = who in READS.get(name, {who})
    assert client.get(addresses[name]).status_code == (200 if allowed else 403)


@pytest.mark.parametrize("name", sorted(WRITES))
@pytest.mark.parametrize("who", ["rita", "adam", "aude"])
def test_each_write_takes_its_role_and_no_other(client, request, addresses, name, who):
    user = request.getfixturevalue(who)
    client.force_login(user)
    before = state()
    response = client.post(addresses[name])
    if user.groups.filter(name__in=WRITES[name].split()).exists():
        assert response.status_code != 403
    else:
        assert response.status_code == 403
        assert state() == before
    assert client.get(addresses[name]).status_code in (403, 405)


def test_writes_need_the_forms_token(rita, addresses):
    from django.test import Client

    client = Client(enforce_csrf_checks=True)
    client.force_login(rita)
    assert client.post(addresses["reviews:decide"], {"verdict": "approve"}).status_code == 403
    assert not Decision.objects.filter(proposal__status="open").exists()


def test_there_is_no_sign_up(client):
    response = client.get("/accounts/signup/")
    assert b'name="password1"' not in response.content
