"""What a user said against what the agent did: corrections, denials, and the same request made again.

The words looked for here say *that* somebody objects, in any trade; none says about what.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dreaming.mining.values import QUOTE_LIMIT, EventView, Quote, RemarkSeen

_MAX_REMARKS = 20
_MAX_REPLIES = 8
_MAX_SAID = 30
_LONG = 600
_AGAIN = 0.6
_FEW_WORDS = 4
_DENIES = re.compile(
    r"^\W*(?:no|nope|not|don'?t|do not|never|stop|wrong|incorrect|please (?:don'?t|do not|stop|never)"
    r"|that(?:'s| is| was) not|denied|rejected)\b",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^\W*(?:no|nope|not|never)\b[\s,.!–—-]*(?:problem|worries|rush|thanks?|thank you|need|mind|idea|just yet|at all"
    r"|(?:that|this|it)(?:'|’)?s? (?:is |was )?(?:all|it|ok|okay|fine|perfect|everything|good|great|alright|covers)"
    r"|(?:i|we)(?:'|’)?(?:m| am| are|re)? (?:all set|good|fine|done))\b",
    re.IGNORECASE,
)
STANDING = re.compile(
    r"\b(?:always|never|every time|each time|from now on|next time|in future|(?:don'?t|do not) ever)\b",
    re.IGNORECASE,
)
_REMINDS = re.compile(
    r"\b(?:as (?:i|we) (?:said|asked|told)|(?:i|we)(?:'ve| have)? (?:already )?(?:said|told you|asked))\b",
    re.IGNORECASE,
)
_PEOPLE = r"(?:user|human|operator|person|reviewer|customer)"
_REFUSED = re.compile(
    r"\b(?:rejected|denied|declined|refused|cancell?ed|stopped|vetoed|blocked)\s+(?:by\s+|\()(?:the\s+)?"
    rf"{_PEOPLE}\b"
    rf"|\b{_PEOPLE}\s+(?:has\s+|have\s+)?(?:rejected|denied|declined|refused|vetoed"
    r"|(?:does|did)\s*(?:n[o']t|\s+not)\s+(?:want|allow|approve|permit|accept))\b[^.:\n]{0,60}",
    re.IGNORECASE,
)
_REASON = re.compile(r"\b(?:comment|reason|feedback|note|message|because|said|says)\b[^:.\n]{0,30}:\s*", re.IGNORECASE)
# A refusal as JSON: a key that says so, and beside it what was given as the reason.
_REFUSED_JSON = re.compile(
    r"""^\s*\{[^{}]*["'](?:(?:denied|rejected|declined|refused|vetoed)["']\s*:\s*true|(?:approved|confirmed)["']\s*:\s*false)\b""",
    re.IGNORECASE,
)
_REASON_JSON = re.compile(
    r"""["'](?:reason|comment|feedback|note|message|text)["']\s*:\s*"((?:[^"\\]|\\.)+)\"""",
    re.IGNORECASE,
)
_HEAD = 200
_ACT = 160


def remarks_of(events: Iterable[EventView]) -> tuple[RemarkSeen, ...]:
    """Return what users objected to: events of type `correction`, calls that a user refused with a reason, and
    messages that deny or ask again. A denial that does not say that it holds beyond its task is an `objection`; a
    request that is much like an earlier one is a `repeat`; what else answers an agent's message is a `reply`, and
    what is said in between an `aside`.
    """
    found: list[RemarkSeen] = []
    said: list[frozenset[str]] = []
    acted = told = False
    about = ""
    for event in events:
        text = event.text.strip()
        if event.type == "correction":
            remark = event.text or event.output
            if remark.strip() and event.role not in {"agent", "tool"}:
                found.append(RemarkSeen("correction", _quote(event.seq, remark), about))
        elif event.type in {"tool_result", "error"} and (reason := reason_of_refusal(event.output or event.text)):
            found.append(RemarkSeen("denial", _quote(event.seq, reason), about))
        elif event.type == "message" and event.role == "user" and text:
            words = frozenset(re.findall(r"\w+", text.lower()))
            plain = ("reply" if told else "aside") if len(words) >= _FEW_WORDS else ""
            kind = _objection(text, words, said) or plain
            if (acted or said) and len(text) <= _LONG and kind:
                found.append(RemarkSeen(kind, _quote(event.seq, event.text), about))
            said = [*said[-_MAX_SAID:], words]
        elif event.role == "agent" or event.type == "tool_call":
            acted = True
        told = event.type == "message" and event.role == "agent"
        about = _act(event) or (about if event.role == "user" else "")
    replies = [remark for remark in found if remark.kind in {"reply", "aside"}]
    others = [remark for remark in found if remark.kind not in {"reply", "aside"}]
    return (*others[:_MAX_REMARKS], *replies[:_MAX_REPLIES])


def _act(event: EventView) -> str:
    """Return what an agent says or calls; '' for what others do."""
    if event.type == "tool_call":
        return f"{event.tool} {event.input}"[:_ACT]
    return event.text.strip()[:_ACT] if event.type == "message" and event.role == "agent" else ""


def is_refusal(text: str) -> bool:
    """Whether a tool's result says that a person refused the call."""
    return bool(_REFUSED.search(text[:_HEAD]))


def reason_of_refusal(text: str) -> str:
    """Return what a person said who refused a call, as it stands in the tool's result; '' where nobody did."""
    found = _REFUSED.search(text[:_HEAD])
    if not found:
        named = _REASON_JSON.search(text[:_LONG]) if _REFUSED_JSON.match(text[:_LONG]) else None
        return named[1].strip() if named else ""
    rest = text[found.end() :]
    named = _REASON.search(rest[:_HEAD])
    return (rest[named.end() :] if named else rest).strip(" \t\n\"'.:;,)-–—")


def _objection(text: str, words: frozenset[str], said: Sequence[frozenset[str]]) -> str:
    if _REMINDS.search(text):
        return "reask"
    if _DENIES.search(text) and not _POLITE.search(text):
        return "denial" if STANDING.search(text) else "objection"
    again = len(words) >= _FEW_WORDS and any(len(words & old) >= _AGAIN * len(words | old) for old in said)
    return "repeat" if again else ""


def _quote(seq: int, text: str) -> Quote:
    return Quote(seq, text.strip()[:QUOTE_LIMIT].rstrip())
