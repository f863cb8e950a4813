"""Notes on single sessions: written by the model once per session, prompt and model, and kept."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from anthropic.types import MessageParam
from anthropic.types.messages.batch_create_params import Request
from django.conf import settings

from dreaming.engines import prompts
from dreaming.engines.answers import Notes, Observation
from dreaming.engines.base import Canceled, LeftOut, OverBudget, Pass
from dreaming.engines.cost import BATCH_SHARE, rough_tokens, usage_of
from dreaming.engines.model import MAX_OUTPUT_TOKENS, BadAnswer, Model, params, parsed, plain_errors
from dreaming.engines.waiting import wait_for
from dreaming.models import Dream, SessionNotes
from sessions.models import Event, Session

# What of a pass's caps notes may use: the rest is for wording and judging.
NOTES_PART = 0.5
LONGEST_QUOTE = 300
SHORTEST_QUOTE = 8


@dataclass(frozen=True, slots=True)
class Note:
    """One observation in one session, its quotes checked."""

    session: Session
    kind: str
    claim: str
    quotes: Sequence[dict[str, Any]]


def read_notes(run: Pass) -> Iterator[Note]:
    """The notes on the sessions of the window that this prompt and model wrote, in a stable order."""
    rows = _current().filter(session__in=run.sessions.order_by().values("pk")).select_related("session__agent")
    for row in rows.order_by("session_id"):
        for item in row.data["observations"]:
            yield Note(row.session, item["kind"], item["claim"], item["quotes"])


def without_notes(run: Pass) -> list[Session]:
    """The newest sessions of the window that have none yet, as many as the pass may still note."""
    missing = run.sessions.exclude(pk__in=_current().values("session_id")).select_related("agent")
    return list(missing[: max(0, settings.DAYLIGHT_NOTES_PER_PASS - _written_by(run))])


def count_noted(run: Pass) -> int:
    """The sessions of the window that this prompt and model have notes on."""
    return _current().filter(session__in=run.sessions.order_by().values("pk")).count()


def _written_by(run: Pass) -> int:
    """How many the pass has written, also by a runner that died. Only one pass at a time writes notes of a store."""
    if run.dream.pk is None:
        return 0
    return _current().filter(session__agent__stores=run.dream.store, created_at__gte=run.dream.created_at).count()


def _current() -> Any:
    return SessionNotes.objects.filter(prompt_hash=prompts.notes_hash(), model=settings.DAYLIGHT_MODEL)


def write_missing(run: Pass, model: Model, fence: str) -> None:
    """Write the notes that are missing: by batch when nobody waits, else call by call, until their part of the caps."""
    sessions = without_notes(run)
    if run.dream.batched or run.dream.remote.get("batch"):
        _by_batch(run, model, fence, sessions)
    else:
        _one_by_one(run, model, fence, sessions)


def _one_by_one(run: Pass, model: Model, fence: str, sessions: Sequence[Session]) -> None:
    for number, session in enumerate(sessions, 1):
        run.step("reading sessions", number, len(sessions))
        try:
            found = model.ask(
                system=[prompts.cached(prompts.NOTING)],
                prompt=prompts.session_prompt(fence, session),
                answer=Notes,
                check=lambda notes, session=session: _strict(session, notes),  # type: ignore[misc]
                part=NOTES_PART,
            )
        except OverBudget as stop:
            run.manifest["notes_stopped"] = f"after {number - 1} of {len(sessions)} sessions: {stop}"
            return
        except LeftOut:
            found = []  # it will say the same next time; kept, so that nobody pays for it again
        _keep(session, found)


def _strict(session: Session, notes: Notes) -> list[dict[str, Any]]:
    """The observations as kept. Raises `BadAnswer` that names the first quote which does not stand in its event."""
    kept = _checked(session, notes)
    wrong = [
        quote for item in notes.observations for quote in item.quotes if not _stands(session, quote.seq, quote.quote)
    ]
    if wrong:
        raise BadAnswer(f"The quote {wrong[0].quote[:80]!r} does not stand in event {wrong[0].seq}, letter by letter.")
    return kept


def _checked(session: Session, notes: Notes) -> list[dict[str, Any]]:
    """The observations with the quotes that are true; without a supporting one, an observation is dropped."""
    kept = []
    for item in notes.observations[:3]:
        quotes = [quote.model_dump() for quote in item.quotes if _stands(session, quote.seq, quote.quote)]
        if any(quote["stance"] == "supports" for quote in quotes):
            kept.append({"kind": item.kind, "claim": _one_line(item), "quotes": quotes})
    return kept


def _one_line(item: Observation) -> str:
    return " ".join(item.claim.split())[:300]


def _stands(session: Session, seq: int, quote: str) -> bool:
    if not SHORTEST_QUOTE <= len(quote) <= LONGEST_QUOTE:
        return False
    event = Event.objects.filter(session=session, seq=seq).first()
    return event is not None and event.says(quote)


def _keep(session: Session, observations: list[dict[str, Any]]) -> None:
    SessionNotes.objects.get_or_create(
        session=session,
        prompt_hash=prompts.notes_hash(),
        model=settings.DAYLIGHT_MODEL,
        defaults={"data": {"observations": observations}},
    )


def _by_batch(run: Pass, model: Model, fence: str, sessions: Sequence[Session]) -> None:
    """One message batch at half price. Its id is kept, so that a pass that is taken up waits for the same one."""
    batch_id = run.dream.remote.get("batch") or _send_batch(run, model, fence, sessions)
    if not batch_id:
        return
    batches = model.client.messages.batches
    try:
        with plain_errors():
            ended = wait_for(lambda: _look(run, batches.retrieve(batch_id)), lambda b: b.processing_status == "ended")
            if ended is None:
                run.manifest["notes_stopped"] = "the batch took too long and was stopped"
                batches.cancel(batch_id)
                wait_for(lambda: batches.retrieve(batch_id), lambda b: b.processing_status == "ended", limit=300)
            _collect(run, model, batch_id)
    except Canceled:
        with plain_errors():
            batches.cancel(batch_id)
        raise
    _remember(run.dream, None)


def _look(run: Pass, batch: Any) -> Any:
    counts = batch.request_counts
    done = counts.succeeded + counts.errored + counts.expired + counts.canceled
    run.step("reading sessions in a batch", done, done + counts.processing)
    return batch


def _send_batch(run: Pass, model: Model, fence: str, sessions: Sequence[Session]) -> str:
    requests: list[Request] = []
    tokens = 0
    for session in sessions:
        prompt = prompts.session_prompt(fence, session)
        tokens += rough_tokens(prompts.NOTING) + rough_tokens(prompt)
        try:
            model.wallet.afford(
                input_tokens=tokens,
                output_tokens=MAX_OUTPUT_TOKENS * (len(requests) + 1),
                share=BATCH_SHARE,
                part=NOTES_PART,
            )
        except OverBudget as stop:
            run.manifest["notes_stopped"] = f"after {len(requests)} of {len(sessions)} sessions: {stop}"
            break
        messages: list[MessageParam] = [{"role": "user", "content": prompt}]
        body = params([prompts.cached(prompts.NOTING)], messages, Notes)
        requests.append({"custom_id": f"session-{session.pk}", "params": body})  # type: ignore[typeddict-item]
    if not requests:
        return ""
    with plain_errors():
        batch_id = model.client.messages.batches.create(requests=requests).id
    _remember(run.dream, batch_id)
    return batch_id


def _remember(dream: Dream, batch_id: str | None) -> None:
    dream.remote = {**dream.remote, "batch": batch_id}
    Dream.objects.filter(pk=dream.pk).update(remote=dream.remote)


def _collect(run: Pass, model: Model, batch_id: str) -> None:
    """Keep what succeeded; what failed or expired is counted, and asked for again by the next pass."""
    known = set(_current().values_list("session_id", flat=True))
    failed: dict[str, int] = {}
    for line in model.client.messages.batches.results(batch_id):
        session_id = int(line.custom_id.removeprefix("session-"))
        if line.result.type != "succeeded":
            failed[line.result.type] = failed.get(line.result.type, 0) + 1
            continue
        session = Session.objects.usable().filter(pk=session_id).first()
        if session is None or session_id in known:
            continue
        try:
            found = _checked(session, parsed(line.result.message, Notes))
        except (BadAnswer, LeftOut):
            found = []
        _keep(session, found)
        model.wallet.charge(usage_of(line.result.message.usage), BATCH_SHARE)
    if failed:
        run.manifest["notes_failed"] = ", ".join(f"{number} {kind}" for kind, number in sorted(failed.items()))
