"""What a tool tells nearly everybody is its usual answer, and no failure where nothing marks it as one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

from dreaming.mining.failures import says_nothing_found
from dreaming.mining.templates import tool_family
from dreaming.mining.values import Digest, ErrorSeen, ToolUse

_MOST = 0.6
_NEARLY_ALL = 0.9

_Name = tuple[str, str]


def with_usual_answers(digests: Sequence[Digest]) -> list[Digest]:
    """Return the digests with the usual answers of tools among what was said, no longer among the errors.

    A sentence that was guessed to be a failure is usual where most sessions that called the tool got it; that there is
    none of something, where nearly all did.
    """
    callers = Counter(family for digest in digests for family in {tool_family(use.tool) for use in digest.tools})
    told = Counter(name for digest in digests for name in {_name(one) for one in (*digest.errors, *digest.said)})
    asked: dict[_Name, float] = {}
    for error in (one for digest in digests for one in digest.errors):
        asked[_name(error)] = max(asked.get(_name(error), 0), _share(error))
    usual = {name for name, share in asked.items() if told[name] >= share * callers[name[0]]}
    return [
        _moved(digest, usual) if any(_name(one) in usual for one in digest.errors) else digest for digest in digests
    ]


def _share(error: ErrorSeen) -> float:
    """The share of a tool's callers that must get an answer before it is usual; above 1 for a marked failure."""
    if not error.marked:
        return _MOST
    return _NEARLY_ALL if says_nothing_found(error.template) else 2


def _moved(digest: Digest, usual: Collection[_Name]) -> Digest:
    taken = [one for one in digest.errors if _name(one) in usual]
    worked = Counter[str]()
    for one in taken:
        worked[one.tool] += one.occurrences
    return replace(
        digest,
        errors=tuple(one for one in digest.errors if _name(one) not in usual),
        said=(*digest.said, *taken),
        repairs=tuple(one for one in digest.repairs if (tool_family(one.tool), one.template) not in usual),
        tools=tuple(_more(use, worked[use.tool]) for use in digest.tools),
    )


def _more(use: ToolUse, worked: int) -> ToolUse:
    return replace(use, successes=min(use.calls, use.successes + worked)) if worked else use


def _name(seen: ErrorSeen) -> _Name:
    return tool_family(seen.tool), seen.template
