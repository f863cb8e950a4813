"""Notes on single sessions: written once, quotes checked, compared across sessions, and never trusted by a policy."""

import re

import pytest
from django.db import transaction

from dreaming.demo import SESSIONS
from dreaming.models import Dream, SessionNotes
from dreaming.passes import run_dream
from dreaming.services import cancel_dream
from dreaming.tasks import scheduled_dream
from memory.models import Proposal
from reviews.policies import AutoPolicy
from sessions.models import Agent
from tests.dreaming.claude_server import form_of, judgement, message, sensible
from tests.dreaming.fleet import ACTOR, dream, load_fleet, request, run_until
from tests.factories import make_live_memory

pytestmark = pytest.mark.django_db(transaction=True)

CLAIM = "Clause searches need the jurisdiction that the user works in"


@pytest.fixture
def store(db, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS = SESSIONS
    claude.on_message = lambda body: noting(body)
    claude.on_batch = lambda body: {"type": "succeeded", "message": noting(body)}
    return load_fleet()


def noting(body, **fields):
    """A model that sees one lesson in every session about clauses, and groups them."""
    form = form_of(body)
    if form == "lessons":
        numbers = re.findall(r"^(\d+) workflow: ", body["messages"][0]["content"], re.MULTILINE)
        lesson = {"kind": "workflow", "claim": CLAIM, "members": [int(n) for n in numbers], "known_as": ""}
        return message({"lessons": [{**lesson, **fields}] if numbers else []})
    if form == "notes":
        return message({"observations": observations(body["messages"][0]["content"])})
    if CLAIM in body["messages"][0]["content"]:
        return message(judgement(body, path="/tools/clauses.md", content="Name the jurisdiction.", title=CLAIM))
    return message(judgement(body, verdict="discard", reason="Not this time."))


def observations(prompt: str) -> list[dict]:
    found = re.search(r"event (\d+) message user\n\n(Find comparable clauses for a contract\.)", prompt)
    if not found:
        return []
    quote = {"seq": int(found[1]), "quote": found[2], "stance": "supports"}
    return [{"kind": "workflow", "claim": "Clauses need a jurisdiction", "quotes": [quote]}]


def about_clauses(store) -> int:
    return store.sessions().filter(task__startswith="Find comparable").count()


def test_what_many_notes_say_alike_is_proposed_with_their_quotes_and_flagged(store, claude):
    ended = dream(store, engine="claude")

    proposal = Proposal.objects.get()
    assert (proposal.kind, proposal.title, proposal.risk) == ("workflow", CLAIM, ["model_judged"])
    assert proposal.support["sessions"] == about_clauses(store)
    assert proposal.support["agents"] == 2
    assert proposal.support["met_total"] + proposal.support["other_total"] == SESSIONS
    assert 1 < proposal.evidence.count() <= 12
    assert set(proposal.evidence.values_list("quote", flat=True)) == {"Find comparable clauses for a contract."}
    assert ended.manifest["observations"] == about_clauses(store)


def test_no_policy_passes_what_a_model_grouped(store, claude):
    Agent.objects.update(mode="auto", auto_min_sessions=2, auto_min_agents=1)

    dream(store, engine="claude")

    proposal = Proposal.objects.get()
    assert proposal.is_open
    with transaction.atomic():
        assert AutoPolicy().refusal(proposal) == "It is flagged: model_judged."


def test_a_session_is_read_once_a_prompt_and_model(store, claude, settings):
    dream(store, engine="claude")
    assert len(claude.asked_for("notes")) == SessionNotes.objects.count() == SESSIONS

    dream(store, engine="claude")
    assert len(claude.asked_for("notes")) == SESSIONS

    settings.DAYLIGHT_MODEL = "claude-opus-5-5"
    dream(store, engine="claude")
    assert len(claude.asked_for("notes")) == 2 * SESSIONS


def test_a_quote_that_does_not_stand_there_is_given_back_and_then_left_out(store, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS = 1
    quote = {"seq": 0, "quote": "Nobody ever said this.", "stance": "supports"}
    lie = {"observations": [{"kind": "workflow", "claim": "A lie", "quotes": [quote]}]}
    claude.on_message = lambda body: message(lie) if form_of(body) == "notes" else noting(body)

    dream(store, engine="claude")

    _, second = claude.asked_for("notes")
    assert "does not stand in event 0, letter by letter" in second["messages"][-1]["content"]
    assert SessionNotes.objects.get().data == {"observations": []}


def test_too_few_sessions_are_left_out_with_the_reason(store, claude):
    claude.on_message = lambda body: noting(body, members=[1, 2, 2]) if form_of(body) == "lessons" else noting(body)

    ended = dream(store, engine="claude")

    assert Proposal.objects.count() == 0
    assert ended.findings.get(title=CLAIM).discarded_reason == "below support: 2 of the 5 sessions asked for"


def test_a_lesson_that_was_proposed_before_is_not_filed_again_in_other_words(store, claude):
    dream(store, engine="claude")
    before = Proposal.objects.get()
    claude.on_message = lambda body: (
        noting(body, claim="Other words", known_as=before.public_id) if form_of(body) == "lessons" else noting(body)
    )

    ended = dream(store, engine="claude")

    assert before.public_id in claude.asked_for("lessons")[1]["messages"][0]["content"]
    assert ended.findings.get(title="Other words").discarded_reason == (
        f"The model says that it was proposed before, as {before.public_id} (needs a decision)."
    )


def test_an_observation_that_does_not_exist_cannot_be_counted(store, claude):
    answers = iter([{"members": [1, 2, 9_999]}])
    claude.on_message = lambda body: noting(body, **next(answers, {})) if form_of(body) == "lessons" else noting(body)

    dream(store, engine="claude")

    assert "There is no observation 9999" in claude.asked_for("lessons")[1]["messages"][-1]["content"]
    assert Proposal.objects.count() == 1


def test_notes_use_at_most_half_of_the_cap(store, claude, settings):
    settings.DAYLIGHT_DREAM_MAX_COST = 0.4

    ended = dream(store, engine="claude")

    assert 0 < SessionNotes.objects.count() < SESSIONS
    assert re.match(r"after \d+ of 200 sessions: the pass may cost \$0.40", ended.manifest["notes_stopped"])
    assert float(ended.cost) <= 0.4


def schedule(store) -> Dream:
    from dreaming.models import DreamPolicy

    DreamPolicy.objects.create(store=store, schedule="daily", engine="claude")
    scheduled_dream(store.pk)
    return Dream.objects.get()


def test_a_scheduled_pass_reads_sessions_by_batch_at_half_the_price(store, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS = 60

    ended = schedule(store)

    assert claude.asked_for("notes") == []
    assert [len(batch["requests"]) for batch in claude.batches.values()] == [60]
    assert SessionNotes.objects.count() == 60
    each = (1_000 * 2 + 200 * 10 + 500 * 0.2) / 1e6
    assert float(ended.cost) == pytest.approx(60 * each / 2 + len(claude.requests) * each, abs=1e-4)
    assert Proposal.objects.count() == 1


def test_what_expired_in_a_batch_is_counted_and_asked_for_again(store, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS = 20
    left = [
        {"type": "expired"},
        {
            "type": "errored",
            "error": {"type": "error", "error": {"type": "api_error", "message": "x"}, "request_id": None},
        },
    ]
    claude.on_batch = lambda body: left.pop() if left else {"type": "succeeded", "message": noting(body)}

    ended = schedule(store)

    assert ended.status == Dream.Status.COMPLETED
    assert ended.manifest["notes_failed"] == "1 errored, 1 expired"
    assert SessionNotes.objects.count() == 18
    dream(store, engine="claude", batched=True)
    assert SessionNotes.objects.count() == 38


def test_a_batch_that_takes_too_long_is_stopped_and_what_is_ready_is_used(store, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS, settings.DAYLIGHT_REMOTE_WAIT = 10, 0.1
    claude.polls_until_ended = 10**6

    ended = schedule(store)

    assert claude.batches["msgbatch_1"]["canceled"]
    assert ended.manifest["notes_stopped"] == "the batch took too long and was stopped"
    assert SessionNotes.objects.count() == 10


def test_a_canceled_dream_stops_its_batch(store, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS = 10
    claude.polls_until_ended = 10**6
    pending = request(store, engine="claude", batched=True)

    def cancel(step: str, done: int, total: int) -> None:
        if step == "reading sessions in a batch":
            cancel_dream(dream=pending, actor=ACTOR)

    run_dream(pending.pk, cancel)

    pending.refresh_from_db()
    assert pending.status == Dream.Status.CANCELED
    assert claude.batches["msgbatch_1"]["canceled"]


def test_a_pass_that_is_taken_up_waits_for_the_batch_that_was_sent(store, claude, settings):
    settings.DAYLIGHT_NOTES_PER_PASS = 10
    pending = request(store, engine="claude", batched=True)
    run_until(pending, lambda step, done: step == "reading sessions in a batch")
    run_dream(pending.pk)

    pending.refresh_from_db()
    assert pending.status == Dream.Status.COMPLETED
    assert list(claude.batches) == ["msgbatch_1"]
    assert SessionNotes.objects.count() == 10


@pytest.mark.parametrize("batched", [False, True])
def test_a_pass_that_is_taken_up_reads_and_groups_nothing_twice(store, claude, settings, batched):
    settings.DAYLIGHT_NOTES_PER_PASS = 60
    pending = request(store, engine="claude", batched=batched)
    run_until(pending, lambda step, done: bool(claude.asked_for("lessons")))
    run_dream(pending.pk)

    assert SessionNotes.objects.count() == 60
    assert len(claude.batches) == batched
    assert len(claude.asked_for("lessons")) == 1
    assert Dream.objects.get().findings.get(proposal__isnull=False).proposal.title == CLAIM


def test_what_memory_served_is_no_news(store, claude, rita):
    make_live_memory(store, rita, content="Find comparable clauses for a contract. Name the jurisdiction.")

    ended = dream(store, engine="claude")

    assert ended.manifest["observations"] == 0
    assert ended.findings.filter(proposal__isnull=False).count() == 0


def test_nothing_is_read_when_the_proposals_are_full(store, claude):
    claude.on_message = lambda body: sensible(body)

    dream(store, engine="claude", max_proposals=1)

    assert claude.asked_for("notes") == []
