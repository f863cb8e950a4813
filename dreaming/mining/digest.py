"""One session to one small digest: its errors, what was changed after them, how its tools were used."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace

from dreaming.mining.calls import Call, Story, shows, sources_of, story_of
from dreaming.mining.changes import (
    SAME,
    Change,
    change_between,
    context_of,
    features_of,
    is_unrelated,
    leading,
    short_input,
    signature,
    specific_values,
)
from dreaming.mining.failures import plain_answer, says_nothing_found
from dreaming.mining.naming import names_of
from dreaming.mining.remarks import remarks_of
from dreaming.mining.statements import statements_of
from dreaming.mining.templates import Template, own_words, template_of, tool_family
from dreaming.mining.values import QUOTE_LIMIT, Digest, ErrorSeen, Quote, RepairSeen, SessionView, StepSeen, ToolUse

_REACH = 8
_OTHER_REACH = 3
_MAX_ERRORS = 40
_MAX_REPAIRS = 40
_MAX_FEATURES = 60
_MAX_MOVES = 40
_MAX_TOOLS = 60
_MAX_KNOWN = 5_000
_MAX_EARLIER = 6
_MAX_STEPS = 120
_STEP_QUOTE = 120
_FEW_WORDS = 3
_MAX_SAID = 24
_MAX_TRIES = 24


@dataclass(slots=True)
class _Use:
    calls: int = 0
    successes: int = 0
    features: set[str] = field(default_factory=set)
    moves: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Move:
    change: Change
    later: Call


@dataclass(slots=True)
class _Error:
    first: Call
    features: set[str]
    earlier: dict[str, Call]
    occurrences: int = 0
    retried: int = 0
    healed: int = 0
    recovered: bool = False


def digest_session(session: SessionView) -> Digest:
    """Reduce a session to what mining needs of it. Pure; linear in the number of events."""
    story = story_of(session.events)
    uses: dict[str, _Use] = defaultdict(_Use)
    errors: dict[tuple[str, str], _Error] = {}
    _walk(story.calls, uses, errors)
    repairs: dict[tuple[str, str, str], RepairSeen] = {}
    tries: dict[tuple[str, str, str], RepairSeen] = {}
    said = _said(story.calls)
    stated = statements_of(session.events)
    agents = {event.seq for event in session.events if event.role == "agent" and event.type != "tool_result"}
    _react(story, uses, errors, repairs, tries)
    ranked = sorted(uses.items(), key=lambda item: (-item[1].calls, item[0]))[:_MAX_TOOLS]
    return Digest(
        ref=session.ref,
        external_id=session.external_id,
        agent=session.agent,
        principal=session.principal,
        task_id=session.task_id,
        outcome=session.outcome,
        events=len(session.events),
        tools=tuple(_tool_use(tool, use) for tool, use in sorted(ranked)),
        errors=tuple(_error_seen(errors[key]) for key in sorted(errors)[:_MAX_ERRORS]),
        repairs=tuple(repairs[key] for key in sorted(repairs)[:_MAX_REPAIRS]),
        steps=_steps(story.calls),
        remarks=remarks_of(session.events),
        said=said,
        tries=tuple(tries[key] for key in sorted(tries)[:_MAX_TRIES]),
        score=session.score,
        source=session.source,
        silent=_silent(session),
        stated=stated,
        own=tuple(sorted({quote.seq for quote in stated} & agents)),
    )


def _steps(calls: list[Call]) -> tuple[StepSeen, ...]:
    """Return the calls that were answered, by every name that they have; of a very long session its start and its end."""
    found: list[StepSeen] = []
    for call in calls:
        if not call.has_call or not call.answered:
            continue
        names = names_of(call)
        done = _is_done(call)
        if not found or (found[-1].signature, found[-1].worked) != (names[-1], done):
            found += [StepSeen(name, done, _step_quote(call)) for name in names]
    if len(found) > _MAX_STEPS:
        found = found[: _MAX_STEPS * 3 // 4] + found[-_MAX_STEPS // 4 :]
    return tuple(found)


def _is_done(call: Call) -> bool:
    """Whether a step was taken: its answer is no failure that is marked. To hear that there is none is an answer."""
    return call.worked or not call.marked or says_nothing_found(call.message or "")


def _said(calls: list[Call]) -> tuple[ErrorSeen, ...]:
    """Return the tools' short answers, once each, with how often the same call was made again at once: some may be
    failures that nothing marks. Their calls get the answers' templates.
    """
    found: dict[tuple[str, str], ErrorSeen] = {}
    for at, call in enumerate(calls):
        text = plain_answer(call.output) if call.worked and call.has_call else ""
        if len(text.split()) < _FEW_WORDS or len(found) >= _MAX_SAID:
            continue
        template = template_of(text, call.tool)
        if own_words(template.text) < _FEW_WORDS:
            continue
        call.template = template
        seen = found.get((call.tool, template.text)) or _answer_seen(call, template)
        again = _is_again(call, calls[at + 1 : at + 2])
        found[call.tool, template.text] = replace(seen, occurrences=seen.occurrences + 1, retried=seen.retried + again)
    return tuple(found[key] for key in sorted(found))


def _answer_seen(call: Call, template: Template) -> ErrorSeen:
    quote = Quote(call.result_seq, call.output.strip()[:QUOTE_LIMIT])
    return ErrorSeen(
        template.text, template.values, call.tool, quote, 0, 0, 0, False, False, _input_quote(call), (), (), (), False
    )


def _is_again(call: Call, ahead: list[Call]) -> bool:
    """Whether the next call is the same one."""
    return bool(ahead) and ahead[0].tool == call.tool and ahead[0].arguments == call.arguments


def _step_quote(call: Call) -> Quote:
    if call.input not in {"", "{}", "null"}:
        return Quote(call.seq, call.input[:_STEP_QUOTE])
    return Quote(call.result_seq, call.output[:_STEP_QUOTE])


def _silent(session: SessionView) -> tuple[str, ...]:
    """Name the tools that gave results of which none says whether it is an error."""
    flagged: dict[str, bool] = {}
    for event in session.events:
        if event.type == "tool_result" and event.tool:
            flagged[event.tool] = flagged.get(event.tool, False) or event.is_error is not None
    return tuple(sorted(tool for tool, known in flagged.items() if not known)[:_MAX_TOOLS])


def _walk(calls: list[Call], uses: dict[str, _Use], errors: dict[tuple[str, str], _Error]) -> None:
    """Count calls and errors, with the features each call had at the time it was made."""
    ran: set[str] = set()
    known: dict[str, dict[str, Call]] = {}
    last_success: dict[str, int] = {}
    for at, call in enumerate(calls):
        use = uses[call.tool]
        use.calls += call.has_call
        if not call.answered:
            continue
        if call.failed:
            key = (call.tool, call.template.text)
            if key not in errors and len(errors) < 4 * _MAX_ERRORS:
                features = features_of(call, ran, known) if call.has_call else set[str]()
                errors[key] = _Error(call, features, _earlier(call, known))
            if key in errors:
                errors[key].occurrences += 1
            continue
        use.successes += 1
        last_success[call.tool] = at
        if len(use.features) < 4 * _MAX_FEATURES:
            use.features |= features_of(call, ran, known)
        ran.add(tool_family(call.tool))
        _remember(call, known)
    positions = {id(call): at for at, call in enumerate(calls)}
    for error in errors.values():
        error.recovered = last_success.get(error.first.tool, -1) > positions[id(error.first)]


def _earlier(call: Call, known: dict[str, dict[str, Call]]) -> dict[str, Call]:
    """Return the last working call of each tool that was given one of this call's values."""
    found: dict[str, Call] = {}
    for value in call.arguments.values():
        for item in specific_values(value):
            found.update(known.get(item, {}))
    latest = sorted(found.items(), key=lambda pair: (-pair[1].seq, pair[0]))[:_MAX_EARLIER]
    return dict(sorted(latest))


def _remember(call: Call, known: dict[str, dict[str, Call]]) -> None:
    for value in call.arguments.values():
        for item in specific_values(value):
            if item in known or len(known) < _MAX_KNOWN:
                known.setdefault(item, {})[tool_family(call.tool)] = call


def _react(
    story: Story,
    uses: dict[str, _Use],
    errors: dict[tuple[str, str], _Error],
    repairs: dict[tuple[str, str, str], RepairSeen],
    tries: dict[tuple[str, str, str], RepairSeen],
) -> None:
    context = context_of([call for call in story.calls if call.has_call])
    for at, call in enumerate(story.calls):
        if not call.answered or not call.has_call:
            continue
        ahead = [later for later in story.calls[at + 1 : at + 1 + _REACH] if later.has_call]
        moves = _moves(call, ahead, context)
        if call.worked:
            if len(uses[call.tool].moves) < 2 * _MAX_MOVES:
                uses[call.tool].moves.update(move.change.text for move in moves)
            for move in moves if call.template.text else ():
                if move.later is moves[0].later:
                    _note_repair(tries, call, move, story)
            continue
        error = errors.get((call.tool, call.template.text))
        if error is not None:
            _note_retry(error, call, ahead)
        for move in moves:
            _note_repair(repairs, call, move, story)


def _moves(call: Call, ahead: list[Call], context: frozenset[str]) -> list[_Move]:
    """What the agent did next: another tool at once, the same tool changed, or the same call after a step.

    Attempts of the same tool are followed until one works, or is about something else.
    """
    moves: list[_Move] = []
    steps: list[Call] = []
    changed = False
    for later in ahead:
        if later.tool != call.tool:
            if call.shell and call.shell == later.shell and not (call.ran and later.ran):
                continue
            if len(steps) < _OTHER_REACH and all(later.tool != step.tool for step in steps):
                steps.append(later)
                moves += [] if changed else [_Move(Change(text), later) for text in _elsewhere(call, later)]
            continue
        change = change_between(call, later, context)
        if steps and is_unrelated(call, later, context) and not any(shows(step, later) for step in steps):
            break
        if change.text == SAME:
            # That it works at last as it was asked at first is owed to the steps between, not to what was tried in vain.
            before = sorted({tool_family(step.tool) for step in steps if step.worked})
            first = [_Move(Change(f"first: {tool}"), later) for tool in before]
            moves = first if not changed or (later.worked and first) else moves
        elif change.text:
            moves.append(_Move(change, later))
            changed = True
        if later.worked or not change.text:
            break
    return moves


def _elsewhere(call: Call, later: Call) -> list[str]:
    """Name the move to another tool; where that has switches on, also with them: another thing to do than it usually does."""
    if call.shell and call.shell == later.shell:
        return [f"run: {later.ran} instead of {call.ran}"]
    names = dict.fromkeys((tool_family(later.tool), signature(later)))
    return [f"other tool: {name}" for name in names]


def _note_retry(error: _Error, call: Call, ahead: list[Call]) -> None:
    if _is_again(call, ahead):
        error.retried += 1
        error.healed += ahead[0].worked


def _note_repair(repairs: dict[tuple[str, str, str], RepairSeen], call: Call, move: _Move, story: Story) -> None:
    key = (call.tool, call.template.text, move.change.text)
    seen = repairs.get(key)
    if seen is None:
        if len(repairs) < 4 * _MAX_REPAIRS:
            repairs[key] = _repair_seen(call, move, story)
    elif move.later.worked and not seen.helped:
        repairs[key] = replace(_repair_seen(call, move, story), occurrences=seen.occurrences + 1)
    else:
        repairs[key] = replace(seen, occurrences=seen.occurrences + 1)


def _repair_seen(call: Call, move: _Move, story: Story) -> RepairSeen:
    later = move.later
    repair = _input_quote(later)
    names = move.change.arguments
    return RepairSeen(
        template=call.template.text,
        values=tuple(call.template.values),
        tool=call.tool,
        to_tool=later.tool,
        change=move.change.text,
        arguments=move.change.arguments,
        error=call.error_quote(),
        repair=repair,
        result=later.error_quote() if later.failed and later.template.text == call.template.text else repair,
        before=short_input(call),
        after=short_input(later),
        helped=later.worked,
        asked=later.turn > call.turn,
        sources=tuple(sources_of([later.arguments[name] for name in names if name in later.arguments], later, story)),
        occurrences=1,
    )


def _input_quote(call: Call) -> Quote:
    return Quote(call.seq, call.input[:QUOTE_LIMIT])


def _error_seen(error: _Error) -> ErrorSeen:
    return ErrorSeen(
        template=error.first.template.text,
        values=error.first.template.values,
        tool=error.first.tool,
        quote=error.first.error_quote(),
        occurrences=error.occurrences,
        retried=error.retried,
        healed_by_retry=error.healed,
        recovered=error.recovered,
        attached=error.first.has_call,
        call=_input_quote(error.first),
        earlier=tuple(_input_quote(call) for call in error.earlier.values()),
        earlier_tools=tuple(error.earlier),
        features=leading(error.features, _MAX_FEATURES),
        marked=error.first.marked,
    )


def _tool_use(tool: str, use: _Use) -> ToolUse:
    return ToolUse(
        tool=tool,
        calls=use.calls,
        successes=use.successes,
        features=leading(use.features, 2 * _MAX_FEATURES),
        moves=tuple(sorted(use.moves)[:_MAX_MOVES]),
    )
