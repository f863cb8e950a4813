"""Quotes for and against a finding: few, exact, and from as many agents as possible."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import replace

from dreaming.mining.groups import Group, Meeting
from dreaming.mining.hostile import objection_to, reads_as_instruction, without_private
from dreaming.mining.values import Cause, Digest, EvidenceRef, Finding, Quote, Stance
from dreaming.mining.window import Window

_AVOID = 2


def diverse(members: Iterable[int], window: Window, prefer: Callable[[int], int]) -> list[int]:
    """Order sessions so that agents take turns, each with a task not shown yet where it has one.

    Those with the lower `prefer` come first: within an agent, and before all others where `prefer` says that
    a quote should be avoided (2 and more).
    """
    graded = [(prefer(at), at) for at in members]
    fine = _in_turns([(rank, at) for rank, at in graded if rank < _AVOID], window)
    return fine + _in_turns([(rank, at) for rank, at in graded if rank >= _AVOID], window)


def _in_turns(graded: list[tuple[int, int]], window: Window) -> list[int]:
    queues: dict[str, deque[int]] = defaultdict(deque)
    for _, at in sorted(graded):
        queues[window.digests[at].agent].append(at)
    passed: dict[str, deque[int]] = defaultdict(deque)
    ordered: list[int] = []
    shown: set[str] = set()
    while queues:
        for agent in sorted(queues):
            queue, later = queues[agent], passed[agent]
            while queue and window.digests[queue[0]].task_id in shown:
                later.append(queue.popleft())
            at = (queue or later).popleft()
            ordered.append(at)
            shown.add(window.digests[at].task_id)
            if not queue and not later:
                del queues[agent]
    return ordered


def risk_of(digest: Digest, quotes: Iterable[Quote]) -> int:
    """Return 2 where a quote should be avoided if another one serves: it gives orders, or holds a secret or
    personal data; else 0.
    """
    names = [digest.principal] if digest.principal else []
    return 2 * any(objection_to(quote.text, names) for quote in quotes)


def with_fit_quotes(item: Finding, window: Window) -> Finding:
    """Cut the quotes of a finding to what may be shown, and leave out those of which nothing may.

    Quotes that give orders stay only where the finding is about an error that does: then a person must see them.
    """
    quotes = ((one, without_private(one.quote, window.names_of(one.session_ref))) for one in item.evidence)
    shown = [replace(one, quote=quote) for one, quote in quotes if quote]
    meant = reads_as_instruction(item.template)
    kept = [one for one in shown if meant or not reads_as_instruction(one.quote)]
    return replace(item, evidence=tuple(kept), message=without_private(item.message))


def _risk(met: Meeting, change: str = "") -> int:
    repairs = [item for item in met.repairs if item.change == change]
    quotes = [error.quote for error in met.errors[:1]] + [item.repair for item in repairs]
    return risk_of(met.digest, quotes)


def failure_evidence(group: Group, causes: tuple[Cause, ...], window: Window, cap: int) -> tuple[EvidenceRef, ...]:
    """Sessions that met the error and did not succeed, then those that met it and still did (against).

    With a known cause each session gives the call that shows it as well as the error.
    """
    lost = [at for at in group.meetings if window.won(at) is not True]
    fine = [at for at in group.meetings if window.won(at) is True]
    against = diverse(fine, window, lambda at: _risk(group.meetings[at]))[: max(cap // 4, cap - 2 * len(lost))]
    each = 2 if causes else 1
    ahead = diverse(lost, window, lambda at: _risk(group.meetings[at]) + (window.won(at) is not False))
    found: list[EvidenceRef] = []
    for at in ahead[: (cap - len(against)) // each]:
        met = group.meetings[at]
        shown = [quote for quote in (_cause_quote(met, cause) for cause in causes[:1]) if quote.text]
        found += [_ref(met.digest, quote, "supports") for quote in shown]
        found.append(_error_ref(met, "supports"))
    return tuple(found + [_error_ref(group.meetings[at], "contradicts") for at in against])


def _cause_quote(met: Meeting, cause: Cause) -> Quote:
    """Quote the earlier call that an order is about, else the failing call itself."""
    error = met.errors[0]
    kind, _, rest = cause.feature.partition(":")
    if kind == "after-same":
        for tool, quote in zip(error.earlier_tools, error.earlier, strict=True):
            if tool == rest.partition(":")[0]:
                return quote
    return error.call


def repair_evidence(group: Group, change: str, window: Window, cap: int) -> tuple[EvidenceRef, ...]:
    """Pairs of an error and the change that worked; then what speaks against it.

    Against are changes that did not work, and sessions that recovered or succeeded without it.
    """
    helped: list[int] = []
    failed: list[int] = []
    without: list[int] = []
    for at, met in sorted(group.meetings.items()):
        made = [repair for repair in met.repairs if repair.change == change]
        pile = helped if any(item.helped for item in made) else failed if made else without
        pile.append(at)
    against_cap = max(2, cap // 3)
    spared = [at for at in without if window.won(at) or _recovered(group.meetings[at])]
    against = [
        at for pile in (failed, spared) for at in diverse(pile, window, lambda at: _risk(group.meetings[at], change))
    ]
    found: list[EvidenceRef] = []
    ahead = diverse(helped, window, lambda at: _risk(group.meetings[at], change) + (not window.won(at)))
    for at in ahead[: (cap - against_cap) // 2]:
        repair = next(item for item in group.meetings[at].repairs if item.change == change and item.helped)
        digest = group.meetings[at].digest
        found += [_ref(digest, repair.error, "supports"), _ref(digest, repair.repair, "supports")]
    for at in against[:against_cap]:
        found.append(_counter_ref(group.meetings[at], change))
    return tuple(item for item in found if item.quote)


def _recovered(met: Meeting) -> bool:
    return any(error.recovered for error in met.errors)


def _counter_ref(met: Meeting, change: str) -> EvidenceRef:
    for repair in met.repairs:
        if repair.change == change:
            return _ref(met.digest, repair.result, "contradicts")
    return _error_ref(met, "contradicts")


def _error_ref(met: Meeting, stance: Stance) -> EvidenceRef:
    return _ref(met.digest, met.errors[0].quote, stance)


def _ref(digest: Digest, quote: Quote, stance: Stance) -> EvidenceRef:
    return EvidenceRef(digest.ref, digest.external_id, digest.agent, quote.seq, quote.text, stance)
