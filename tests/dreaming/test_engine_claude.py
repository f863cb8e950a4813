"""`--engine claude`: the model words and judges what was measured, at a bounded price, and is believed in nothing."""

import json
import re
import time
from collections import Counter
from collections.abc import Callable
from decimal import Decimal

import psycopg
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from dreaming.models import Dream, DreamPolicy, Finding
from dreaming.passes import run_dream
from dreaming.services import DreamRefused, cancel_dream
from dreaming.tasks import scheduled_dream
from memory.models import Proposal
from tests.dreaming.claude_server import Answer, failure, judgement, message, sensible
from tests.dreaming.fleet import ACTOR, dream, dream_json, load_fleet, request, run_until
from tests.factories import approve, make_live_memory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def store(db):
    return load_fleet()


def reasons(ended: Dream) -> list[str]:
    judged = Finding.objects.filter(dream=ended, proposal=None).exclude(kind="discarded")
    return list(judged.values_list("discarded_reason", flat=True))


def test_the_model_words_what_was_measured_and_the_evidence_stays_the_miners(store, claude):
    mined = dream(store)
    measured = {p.claim_key: (p.evidence.count(), p.support["sessions"]) for p in Proposal.objects.all()}
    Proposal.objects.update(status=Proposal.Status.STALE)

    ended = dream(store, engine="claude")

    worded = Proposal.objects.filter(source_ref=f"dream:{ended.pk}")
    assert {p.claim_key: (p.evidence.count(), p.support["sessions"]) for p in worded} == measured
    assert all(p.title.startswith("Know about") and "model_judged" not in p.risk for p in worded)
    assert ended.findings.count() == mined.findings.count()


def test_usage_and_cost_are_kept_by_the_configured_prices(store, claude, settings):
    settings.DAYLIGHT_MODEL_PRICES = {"input": 1.0, "output": 10.0, "cache_read": 2.0, "cache_write": 5.0}

    ended = dream(store, engine="claude")

    calls = len(claude.requests)
    assert ended.usage == {
        "input_tokens": 1_000 * calls,
        "output_tokens": 200 * calls,
        "cache_read_input_tokens": 500 * calls,
        "cache_creation_input_tokens": 0,
    }
    assert float(ended.cost) == pytest.approx(calls * (1_000 + 2_000 + 1_000) / 1e6)
    assert ended.manifest["model"] == "claude-sonnet-5-5"
    assert len(ended.manifest["prompt_hash"]) == 64


def test_the_prefix_is_cached_and_transcripts_stand_between_fences_that_change_with_each_pass(store, claude):
    dream(store, engine="claude", max_proposals=2)
    Proposal.objects.update(status=Proposal.Status.STALE)
    dream(store, engine="claude", max_proposals=2)

    fences = set()
    for body in claude.asked_for("judgement"):
        assert body["system"][-1]["cache_control"] == {"type": "ephemeral"}
        fence = re.search(r"The fence of this pass is (==[0-9a-f]{32}==)", body["system"][-1]["text"])[1]
        fences.add(fence)
        lines = body["messages"][0]["content"].split("\n")
        assert lines[0] == f"{fence} finding"
        assert lines[-1] == f"{fence} end"
    assert len(fences) == 2
    prefixes = {json.dumps(body["system"]) for body in claude.asked_for("judgement")[:2]}
    assert len(prefixes) == 1


def test_a_finding_that_belongs_to_a_memory_becomes_a_change_of_one_passage(store, claude, rita):
    base = make_live_memory(store, rita, path="/exports.md", content="# Exports\n\nUse any date.\n\nAttach the file.\n")
    claude.on_message = lambda body: message(
        judgement(body, path="/exports.md", replaces="Use any date.", content="Use DD.MM.YYYY.")
    )

    ended = dream(store, engine="claude", max_proposals=1)

    proposal = ended.findings.get(proposal__isnull=False).proposal
    assert (proposal.operation, proposal.base_version) == ("update", base)
    assert proposal.content == "# Exports\n\nUse DD.MM.YYYY.\n\nAttach the file.\n"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"path": "no path"}, "is not a path"),
        ({"content": "   "}, "The text is empty"),
        ({"title": ""}, "needs a title"),
        ({"path": "/long.md", "replaces": "Long line. " * 60, "content": "Short."}, "would rewrite the memory"),
        ({"path": "/long.md", "replaces": "not there", "content": "Short."}, "exactly once"),
        ({"path": "/new.md", "replaces": "x"}, "no memory at /new.md"),
    ],
)
def test_a_wrong_answer_is_given_back_with_the_error_and_mended(store, claude, rita, wrong, said):
    make_live_memory(store, rita, path="/long.md", content="Long line. " * 60)
    answers = iter([wrong])
    claude.on_message = lambda body: message(judgement(body, **next(answers, {})))

    ended = dream(store, engine="claude", max_proposals=1)

    first, second = claude.asked_for("judgement")[:2]
    assert len(first["messages"]) == 1
    assert [turn["role"] for turn in second["messages"]] == ["user", "assistant", "user"]
    assert said in second["messages"][2]["content"]
    assert ended.findings.filter(proposal__isnull=False).count() == 1


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (message("{not json"), "could not be used, twice: Your answer does not fit the schema"),
        (message({"verdict": "maybe"}), "could not be used, twice: Your answer does not fit the schema"),
        (message("", stop_reason="max_tokens"), "could not be used, twice: Your answer was cut off"),
        (message({"reason": "a\x00b"}), "could not be used, twice: Your answer holds a NUL"),
        (message("I cannot.", stop_reason="refusal"), "The model declined to answer."),
    ],
)
def test_an_answer_that_stays_wrong_is_recorded_as_discarded(store, claude, answer, reason):
    claude.on_message = lambda body: answer

    ended = dream(store, engine="claude")

    assert ended.status == Dream.Status.COMPLETED
    assert Proposal.objects.count() == 0
    assert reasons(ended)
    assert all(reason in kept for kept in reasons(ended))


def test_what_the_model_advises_against_is_kept_with_its_reason(store, claude):
    claude.on_message = lambda body: message(judgement(body, verdict="discard", reason="It gets round a limit."))

    ended = dream(store, engine="claude")

    assert set(reasons(ended)) == {"The model advises against it: It gets round a limit."}


@pytest.mark.parametrize("status", [408, 429, 500, 529])
def test_passing_errors_are_waited_out(store, claude, status):
    left = [failure(status, "overloaded_error"), failure(status, "overloaded_error")]
    claude.on_message = lambda body: left.pop() if left else sensible(body)

    ended = dream(store, engine="claude", max_proposals=1)

    assert ended.status == Dream.Status.COMPLETED
    assert Proposal.objects.count() == 1


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (failure(401, "authentication_error"), "The key was refused (401): check ANTHROPIC_API_KEY."),
        (failure(404, "not_found_error", "model: nope"), "model: nope. Check DAYLIGHT_MODEL"),
        (failure(429, "rate_limit_error"), "The rate limit held. Try again later."),
        (failure(500, "api_error", "boom"), "The API answered 500: boom."),
        (Answer(b"<html>Log in</html>", headers={"content-type": "text/html"}), "check ANTHROPIC_BASE_URL"),
        (Answer(b'{"cut'), "check ANTHROPIC_BASE_URL"),
        (Answer({"hello": "world"}), "check ANTHROPIC_BASE_URL"),
    ],
)
def test_lasting_errors_end_the_pass_with_what_to_do_and_keep_what_was_filed(store, claude, answer, said):
    claude.on_message = lambda body: sensible(body) if len(claude.requests) < 3 else answer

    ended = dream(store, engine="claude")

    assert ended.status == Dream.Status.FAILED
    assert said in ended.error
    assert "sk-test" not in ended.error
    assert ended.findings.filter(proposal__isnull=False).count() == Proposal.objects.count() == 2
    assert dream(store).status == Dream.Status.COMPLETED


def test_a_model_that_does_not_answer_in_time_ends_the_pass(store, claude, settings):
    settings.DAYLIGHT_MODEL_TIMEOUT = 0.05
    claude.on_message = lambda body: time.sleep(0.3) or sensible(body)

    ended = dream(store, engine="claude")

    assert (ended.status, ended.error) == (Dream.Status.FAILED, "The API did not answer in time. Try again later.")


def test_a_pass_stops_below_its_cap_in_money_with_what_is_done(store, claude):
    claude.on_message = lambda body: message(judgement(body), output_tokens=8_000)

    ended = dream(store, engine="claude", max_cost=Decimal("0.25"))

    assert ended.status == Dream.Status.COMPLETED
    assert 0 < Proposal.objects.count() == len(claude.requests) < 4
    assert float(ended.cost) <= 0.25
    assert ended.manifest["stopped"].startswith("the pass may cost $0.25, and $0.")
    assert any(kept.startswith("Not looked at: the pass may cost $0.25") for kept in reasons(ended))


def test_a_pass_stops_below_its_cap_in_tokens(store, claude, settings):
    settings.DAYLIGHT_DREAM_MAX_TOKENS = 14_000

    ended = dream(store, engine="claude")

    assert sum(ended.usage.values()) <= 14_000
    assert "the pass may use 14,000 tokens" in ended.manifest["stopped"]


def test_no_pass_may_ask_for_more_than_the_deployment_allows(store, claude, settings):
    settings.DAYLIGHT_DREAM_MAX_COST = 0.01

    ended = dream(store, engine="claude", max_cost=Decimal("100"))

    assert claude.requests == []
    assert "the pass may cost $0.01" in ended.manifest["stopped"]


def test_the_estimate_is_counted_before_anything_is_paid(store, claude, settings, capsys):
    settings.DAYLIGHT_NOTES_PER_PASS = 10

    call_command("dream", store="claims", engine="claude", estimate=True, json=True)

    found = json.loads(capsys.readouterr().out)
    assert claude.requests == []
    assert claude.counted
    assert found["sessions_to_read"] == 10
    assert 0 < found["cost"] < found["cost_at_most"] <= 5
    assert Dream.objects.count() == 0


def test_the_estimate_stands_on_the_dream_and_was_not_exceeded(store, claude, capsys):
    report = dream_json(capsys, engine="claude")

    assert report["estimate"]["findings"] == len(claude.asked_for("judgement"))
    assert report["cost"] <= report["estimate"]["cost_at_most"]


def test_claims_that_wait_or_were_rejected_cost_nothing(store, claude):
    dream(store, engine="claude")
    paid = len(claude.requests)

    again = dream(store, engine="claude")

    assert len(claude.requests) == paid
    assert all("waits for a decision already" in kept for kept in reasons(again))


def test_no_transaction_is_open_while_the_model_thinks(store, claude):
    states = []
    info = connection.get_connection_params()
    query = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND xact_start IS NOT NULL AND pid <> pg_backend_pid()"

    def look(body):
        names = ("host", "port", "user", "password", "dbname")
        with psycopg.connect(**{name: info[name] for name in names if info.get(name)}) as other:
            states.append(other.execute(query).fetchone()[0])
        return sensible(body)

    claude.on_message = look
    dream(store, engine="claude", max_proposals=2)

    assert states
    assert set(states) == {0}


def test_cancel_while_the_model_thinks_stops_the_pass_and_keeps_the_cost(store, claude):
    pending = request(store, engine="claude")

    def cancel(body):
        cancel_dream(dream=pending, actor=ACTOR)
        connection.close()
        return sensible(body)

    claude.on_message = cancel
    run_dream(pending.pk)

    pending.refresh_from_db()
    assert pending.status == Dream.Status.CANCELED
    assert pending.usage["output_tokens"] == 200
    assert Proposal.objects.count() == 0


def test_a_dead_runners_cost_counts_against_the_cap(store, claude):
    pending = request(store, engine="claude", max_cost=Decimal("0.50"))
    Dream.objects.filter(pk=pending.pk).update(status="running", cost="0.45", usage={"input_tokens": 225_000})

    run_dream(pending.pk)

    pending.refresh_from_db()
    assert claude.requests == []
    assert "$0.45 is spent" in pending.manifest["stopped"]


def test_a_pass_that_is_taken_up_pays_for_no_proposal_twice(store, claude):
    taken_up = killed_and_taken_up(request(store, engine="claude"), at=3)

    asked = judged(claude)
    assert len(asked) == len(set(asked)) == Proposal.objects.count()
    assert taken_up.usage["output_tokens"] == 200 * len(asked)


def killed_and_taken_up(pending: Dream, *, at: int, meanwhile: Callable[[], object] = bool) -> Dream:
    """The dream, whose first runner died over that candidate."""
    run_until(pending, lambda *now: now == ("writing proposals", at))
    meanwhile()
    run_dream(pending.pk)
    pending.refresh_from_db()
    return pending


def judged(claude) -> list[str]:
    """The title in each request for a judgement."""
    return [body["messages"][0]["content"].split("\n")[1] for body in claude.asked_for("judgement")]


@pytest.mark.parametrize(
    ("answer", "calls"),
    [
        (lambda body: judgement(body, verdict="discard", reason="It gets round a limit."), 1),
        (lambda body: judgement(body, path="no path"), 2),
    ],
)
def test_a_pass_that_is_taken_up_pays_for_no_verdict_twice(store, claude, answer, calls):
    claude.on_message = lambda body: message(answer(body))

    taken_up = killed_and_taken_up(request(store, engine="claude"), at=4)

    asked = Counter(judged(claude))
    assert len(asked) == len(reasons(taken_up)) > 4
    assert set(asked.values()) == {calls}
    assert len(set(reasons(taken_up))) == 1


def test_a_verdict_on_a_memory_that_moved_meanwhile_is_asked_for_again(store, claude, rita):
    make_live_memory(store, rita, path="/exports.md", content="# Exports\n\nUse any date.\n")
    answers = iter([{"replaces": "Use any date."}, {"replaces": "Use any date."}])
    claude.on_message = lambda body: message(judgement(body, path="/exports.md", **next(answers, {})))

    def approve_first() -> None:
        approve(Proposal.objects.open().get(), rita)

    taken_up = killed_and_taken_up(request(store, engine="claude", max_proposals=2), at=3, meanwhile=approve_first)

    early = taken_up.findings.get(proposal__status="approved")
    late = taken_up.findings.get(proposal__status="open")
    assert Counter(judged(claude))[late.title] == 2
    assert late.proposal.base_version == early.proposal.decision.version


def test_a_schedule_whose_key_is_gone_says_so(store, caplog):
    DreamPolicy.objects.create(store=store, schedule="daily", engine="claude")

    scheduled_dream(store.pk)

    assert caplog.messages == [
        "claims does not dream: The engine claude needs a key: set ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY_FILE) and restart."
    ]
    assert Dream.objects.count() == 0


def test_without_a_key_the_engine_is_refused_with_what_to_do(store, client, adam):
    said = "The engine claude needs a key: set ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY_FILE) and restart."
    client.force_login(adam)
    with pytest.raises(CommandError) as refusal:
        call_command("dream", store="claims", engine="claude")

    page = client.post("/dreams/start/", {"store": store.pk, "engine": "claude", "window": "all", "max_proposals": 12})

    assert str(refusal.value) == said
    assert page.status_code == 422
    assert said in page.content.decode()
    assert said in client.get("/dreams/").content.decode()
    assert Dream.objects.count() == 0
    agent = store.agents.first()
    schedule = {
        f"{store.pk}-{name}": value
        for name, value in {"schedule": "daily", "engine": "claude", "window": "all", "max_proposals": 12}.items()
    }
    refused = client.post(f"/agents/{agent.slug}/schedule/{store.pk}/", schedule)
    assert refused.status_code == 422
    assert said in refused.content.decode()


def test_a_model_whose_prices_are_not_known_is_refused(store, claude, settings):
    settings.DAYLIGHT_MODEL, settings.DAYLIGHT_MODEL_PRICES = "claude-next", {}

    with pytest.raises(DreamRefused, match="What claude-next costs is not known: set DAYLIGHT_MODEL_PRICES"):
        request(store, engine="claude")


def test_the_key_stands_nowhere_but_in_the_request(store, claude, capsys):
    report = dream_json(capsys, engine="claude", max_proposals=1)

    assert all(head["Authorization"] == "Bearer sk-test-not-a-key" for head in claude.headers)
    assert "sk-test" not in json.dumps(report)


def test_the_page_of_a_model_dream_shows_its_cost(store, claude, client, rita):
    ended = dream(store, engine="claude", max_proposals=2)
    client.force_login(rita)

    page = client.get(f"/dreams/{ended.pk}/").content.decode()

    assert f"for ${float(ended.cost):.2f}" in client.get("/dreams/").content.decode()
    assert f"${float(ended.cost):.2f}" in page
    assert "tokens in" in page
    assert ended.manifest["prompt_hash"] in page
