"""The model words and judges what was measured, then what notes on single sessions have in common."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from anthropic.types import TextBlockParam
from django.conf import settings

from dreaming import writer
from dreaming.engines import mining, prompts
from dreaming.engines.answers import Judgement, Lesson, Lessons, Notes
from dreaming.engines.base import Candidate, LeftOut, OverBudget, Pass
from dreaming.engines.cost import BATCH_SHARE, Wallet, cost_of
from dreaming.engines.kept import ask_once
from dreaming.engines.model import MAX_OUTPUT_TOKENS, BadAnswer, Model
from dreaming.engines.notes import Note, count_noted, read_notes, without_notes, write_missing
from dreaming.mining.values import Finding, MiningResult, Thresholds
from dreaming.models import Dream
from memory.models import Memory, Proposal
from memory.scanning import MODEL_JUDGED
from memory.services import Draft, QuoteDraft, check_draft, known_claim

MAX_EVIDENCE = 12
MAX_OBSERVATIONS = 400
KNOWN_SHOWN = 200
SAMPLE = 3
# What an answer usually takes of the most that it may.
USUAL_SHARE = 0.15
# A passage that is replaced may be this much of its memory; a shorter memory than that may be replaced whole.
REPLACEABLE, SHORT_MEMORY = 0.5, 400


@dataclass(frozen=True, slots=True)
class Subject:
    """What is to be judged: a claim, its numbers, and quotes that were checked."""

    kind: str
    title: str
    claim_key: str
    support: dict[str, Any]
    quotes: Sequence[QuoteDraft]
    benefit: float
    wording: str = ""
    flags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()


@dataclass(slots=True)
class Mind:
    """The model with what every judgement of this pass shares."""

    run: Pass
    model: Model
    fence: str = field(default_factory=prompts.new_fence)
    memories: dict[str, Memory] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.memories = {memory.path: memory for memory in Memory.objects.live(self.run.dream.store_id)}

    def system(self) -> list[TextBlockParam]:
        return prompts.judging_system(self.fence, self.memories.values())


def candidates(run: Pass) -> Iterator[Candidate]:
    result = mining.mined(run)
    mind = Mind(run, Model(Wallet.of(run.dream)))
    run.manifest |= {"model": settings.DAYLIGHT_MODEL, "prompt_hash": prompts.prompt_hash()}
    _store_estimate(run, mind, result)
    run.expected = len(result.findings)
    for found in result.findings:
        if _needs_words(found):
            yield mining.of_finding(found, partial(_judged, mind, _measured(found)))
        else:
            yield mining.of_finding(found, partial(mining.draft_of, run, found))
    yield from (mining.left_out(item) for item in result.discarded)
    if run.room and "stopped" not in run.manifest:
        yield from _lessons(mind)


def _needs_words(found: Finding) -> bool:
    """A change of a memory that is there was measured to the letter: nothing is left to word."""
    return str(found.kind) != Proposal.Kind.UPKEEP


def _measured(found: Finding) -> Subject:
    return Subject(
        kind=found.kind,
        title=found.title,
        claim_key=found.claim_key,
        support=mining.support_of(found),
        quotes=mining.quotes_of(found),
        benefit=found.benefit,
        wording=writer.write(found).content,
        aliases=found.aliases,
    )


def _judged(mind: Mind, subject: Subject) -> Draft:
    """The subject as the model words it. Raises `LeftOut` with the model's reason, or ours."""
    if reason := known_claim(store=mind.run.dream.store, claim_key=subject.claim_key, aliases=subject.aliases):
        raise LeftOut(reason)
    judgement, draft = ask_once(
        dream=mind.run.dream,
        about=subject.claim_key,
        answer=Judgement,
        check=lambda judgement: (judgement, _checked(mind, subject, judgement)),
        ask=partial(mind.model.ask, system=mind.system(), prompt=_prompt(mind, subject)),
    )
    if draft is None:
        raise LeftOut(f"The model advises against it: {' '.join(judgement.reason.split())[:500]}")
    return draft


def _prompt(mind: Mind, subject: Subject) -> str:
    return prompts.finding_prompt(
        mind.fence,
        title=subject.title,
        numbers={name: value for name, value in subject.support.items() if name != "weeks"},
        draft=subject.wording,
        quotes=[f"({quote.stance}) {quote.quote}" for quote in subject.quotes],
    )


def _checked(mind: Mind, subject: Subject, judgement: Judgement) -> Draft | None:
    """The draft as it would be filed. Raises what the model can mend; None when it advises against it."""
    if judgement.verdict == "discard":
        return None
    title, rationale = " ".join(judgement.title.split()), judgement.rationale.strip()
    if not title or len(title) > 300 or not rationale:
        raise BadAnswer("A proposal needs a title of at most 300 characters, and a rationale.")
    live = mind.memories.get(judgement.path)
    draft = Draft(
        operation=Proposal.Operation.UPDATE if live else Proposal.Operation.CREATE,
        path=judgement.path,
        content=_changed(live.head.content, judgement) if live else judgement.content,
        base_version=live.head if live else None,
        kind=subject.kind,
        title=title,
        rationale=rationale,
        claim_key=subject.claim_key,
        evidence=subject.quotes,
        support={**subject.support, "model": settings.DAYLIGHT_MODEL, "reason": judgement.reason},
        benefit=subject.benefit,
        flags=subject.flags,
        aliases=subject.aliases,
    )
    if live is None and judgement.replaces:
        raise BadAnswer(f"There is no memory at {judgement.path}, so nothing there can be replaced.")
    if live is None and Proposal.objects.open().filter(store=mind.run.dream.store, path=judgement.path).exists():
        raise BadAnswer(f"Another proposal would create {judgement.path} already. Choose another path.")
    check_draft(store=mind.run.dream.store, draft=draft, source=Proposal.Source.DREAM)
    return draft


def _changed(text: str, judgement: Judgement) -> str:
    """The memory with one passage changed, or added at the end. Raises `BadAnswer` for anything larger."""
    if not judgement.content.strip():
        raise BadAnswer("The new passage is empty.")
    if not judgement.replaces:
        return f"{text.rstrip()}\n\n{judgement.content.strip()}\n"
    if text.count(judgement.replaces) != 1:
        raise BadAnswer("`replaces` must be a passage that stands exactly once in that memory, letter by letter.")
    if len(text) > SHORT_MEMORY and len(judgement.replaces) > REPLACEABLE * len(text):
        raise BadAnswer("That would rewrite the memory. Replace one passage of it, at most half.")
    return text.replace(judgement.replaces, judgement.content.strip())


def _lessons(mind: Mind) -> Iterator[Candidate]:
    """What several sessions' notes say alike. The model groups them; we count what it grouped, and flag it."""
    write_missing(mind.run, mind.model, mind.fence)
    served = [memory.head.content for memory in mind.memories.values() if memory.head]
    notes = [note for note in read_notes(mind.run) if not _echoes(note, served)][-MAX_OBSERVATIONS:]
    mind.run.manifest["observations"] = len(notes)
    least = Thresholds().sessions_for(mind.run.session_count)
    if len({note.session.pk for note in notes}) < least:
        return
    mind.run.step("comparing notes", 0, 0)
    try:
        lessons = _grouped(mind, notes)
    except (LeftOut, OverBudget) as stop:
        mind.run.manifest["stopped"] = f"The notes were not compared: {stop}"
        return
    mind.run.expected += len(lessons)
    for lesson in lessons:
        yield _lesson(mind, lesson, [notes[number - 1] for number in dict.fromkeys(lesson.members)], least)


def _echoes(note: Note, served: Sequence[str]) -> bool:
    """Whether all that supports the note is text that memory served: a dream must not feed on itself."""
    support = [item["quote"] for item in note.quotes if item["stance"] == "supports"]
    return all(any(quote in text for text in served) for quote in support)


def _grouped(mind: Mind, notes: Sequence[Note]) -> list[Lesson]:
    known = {
        proposal.public_id: proposal.title
        for proposal in Proposal.objects.in_earnest().filter(store=mind.run.dream.store).order_by("-id")[:KNOWN_SHOWN]
    }

    def check(answer: Lessons) -> list[Lesson]:
        for lesson in answer.lessons:
            if wrong := [number for number in lesson.members if not 1 <= number <= len(notes)]:
                raise BadAnswer(f"There is no observation {wrong[0]}; they go from 1 to {len(notes)}.")
            if lesson.known_as and lesson.known_as not in known:
                raise BadAnswer(f"{lesson.known_as[:40]!r} is not the id of a listed claim.")
        return sorted(answer.lessons, key=lambda lesson: -len(set(lesson.members)))

    observations = [(number, note.kind, note.claim) for number, note in enumerate(notes, 1)]
    return ask_once(
        dream=mind.run.dream,
        about=f"observations:{hashlib.sha256(json.dumps(observations).encode()).hexdigest()}",
        answer=Lessons,
        check=check,
        ask=partial(
            mind.model.ask,
            system=[{"type": "text", "text": prompts.GROUPING}],
            prompt=prompts.grouping_prompt(mind.fence, observations, known.items()),
        ),
    )


def _lesson(mind: Mind, lesson: Lesson, notes: Sequence[Note], least: int) -> Candidate:
    claim = " ".join(lesson.claim.split())[:300]
    support = _support(mind.run, notes)
    subject = Subject(
        kind=lesson.kind,
        title=claim,
        claim_key=f"note:{lesson.kind}:{_words_hash(claim)}",
        support=support,
        quotes=_quotes(notes),
        benefit=0.05 * support["sessions"],
        flags=(MODEL_JUDGED,),
    )
    reason = ""
    if lesson.known_as:
        before = Proposal.objects.get(pk=int(lesson.known_as.removeprefix("prop_")))
        reason = f"The model says that it was proposed before, as {before.public_id} ({before.get_status_display()})."
    elif support["sessions"] < least:
        reason = f"below support: {support['sessions']} of the {least} sessions asked for"
    data = {"support": support}
    if reason:
        return Candidate(subject.kind, claim, subject.claim_key, data, reason=reason)
    return Candidate(subject.kind, claim, subject.claim_key, data, draft=partial(_judged, mind, subject))


def _words_hash(claim: str) -> str:
    words = sorted(set(re.findall(r"[^\W\d_]+", claim.casefold())))
    return hashlib.sha256(" ".join(words).encode()).hexdigest()[:16]


def _support(run: Pass, notes: Sequence[Note]) -> dict[str, Any]:
    """Counts over the distinct sessions of the notes, and how those and the rest of the window ended."""
    sessions = {note.session.pk: note.session for note in notes}
    outcomes = [session.outcome for session in sessions.values() if session.outcome != "unknown"]
    rest = run.sessions.order_by().exclude(pk__in=sessions).exclude(outcome="unknown")
    return {
        "sessions": len(sessions),
        "agents": len({session.agent_id for session in sessions.values()}),
        "principals": len({session.principal for session in sessions.values() if session.principal}),
        "tasks": len({session.task_id for session in sessions.values() if session.task_id}),
        "met_success": outcomes.count("success"),
        "met_total": len(outcomes),
        "other_success": rest.filter(outcome="success").count(),
        "other_total": rest.count(),
        "scope": "sessions whose notes say this, as the model grouped them",
    }


def _quotes(notes: Sequence[Note]) -> list[QuoteDraft]:
    """One of each session first, so that the evidence is spread; what contradicts comes along in any case."""
    found = [
        (position, QuoteDraft(note.session.pk, item["seq"], item["quote"], item["stance"]))
        for note in notes
        for position, item in enumerate(note.quotes)
    ]
    against = [quote for _, quote in found if quote.stance == "contradicts"][: MAX_EVIDENCE // 2]
    support = [quote for _, quote in sorted(found, key=lambda row: row[0]) if quote.stance == "supports"]
    return list(dict.fromkeys([*support[: MAX_EVIDENCE - len(against)], *against]))


def estimate(run: Pass) -> dict[str, Any]:
    """What a pass would take, without a paid call: see `_estimate`."""
    return _estimate(run, Mind(run, Model(Wallet.of(run.dream), hurried=True)), mining.mined(run))


def _store_estimate(run: Pass, mind: Mind, result: MiningResult) -> None:
    if not run.dream.estimate:
        run.step("counting tokens", 0, 0)
        run.dream.estimate = _estimate(run, mind, result)
        Dream.objects.filter(pk=run.dream.pk).update(estimate=run.dream.estimate)


def _estimate(run: Pass, mind: Mind, result: MiningResult) -> dict[str, Any]:
    """Tokens and USD, from the API's own count over a sample of the requests; `cost_at_most` is what the caps allow."""
    store, share = run.dream.store, BATCH_SHARE if run.dream.batched else 1.0
    worded = [found for found in result.findings if _needs_words(found)]
    new = [found for found in worded if not known_claim(store=store, claim_key=found.claim_key, aliases=found.aliases)]
    subjects, sessions = [_measured(found) for found in new], without_notes(run)
    judging = _total(
        len(subjects), [mind.model.count(mind.system(), _prompt(mind, s), Judgement) for s in subjects[:SAMPLE]]
    )
    noting = _total(
        len(sessions),
        [
            mind.model.count([prompts.cached(prompts.NOTING)], prompts.session_prompt(mind.fence, one), Notes)
            for one in sessions[:SAMPLE]
        ],
    )
    usual, most = USUAL_SHARE * MAX_OUTPUT_TOKENS, 2.0 * MAX_OUTPUT_TOKENS
    calls = len(subjects) + len(sessions)
    cost = _cost(judging, len(subjects) * usual) + _cost(noting, len(sessions) * usual, share)
    worst = _cost(3 * judging, len(subjects) * most) + _cost(3 * noting, len(sessions) * most, share)
    return {
        "model": settings.DAYLIGHT_MODEL,
        "findings": len(subjects),
        "sessions_to_read": len(sessions),
        "notes_kept": count_noted(run),
        "calls": calls,
        "input_tokens": judging + noting,
        "output_tokens": round(calls * usual),
        "cost": round(cost, 4),
        "cost_at_most": round(min(worst, mind.model.wallet.max_cost), 4),
    }


def _total(count: int, sample: Sequence[int]) -> int:
    return round(count * sum(sample) / len(sample)) if sample else 0


def _cost(input_tokens: float, output_tokens: float, share: float = 1.0) -> float:
    return cost_of({"input_tokens": round(input_tokens), "output_tokens": round(output_tokens)}, share)
