"""From values of other formats to what format 1 can hold: cleaned, bounded, never an error. Pure."""

import json
import math
import re
from datetime import UTC, datetime
from typing import Any

import msgspec

from sessions.format import MAX_ID_LENGTH

# Longer texts keep their beginning and their end.
MAX_TEXT = 200_000
MAX_DEPTH = 40
MAX_KEPT_EVENTS = 50_000
# Characters of all events of a session, a fourth of the bytes that it may have.
MAX_KEPT_SIZE = 8 * 1024 * 1024
_LIMITS = (50_000, 10_000, 2_000, 200, 40)
_UNKEPT = re.compile("[\0\ud800-\udfff]")
_DEEPER = "[nested deeper]"


def clean(text: str) -> str:
    """`text` without NUL and halves of surrogate pairs, which PostgreSQL cannot keep; clipped."""
    if _UNKEPT.search(text):
        text = _UNKEPT.sub("\N{REPLACEMENT CHARACTER}", text)
    return clip(text)


def clip(text: str, limit: int = MAX_TEXT) -> str:
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[-half:]}"


def clean_json(value: Any) -> Any:
    """`value` as JSON that can be kept; beyond `MAX_TEXT` serialised it becomes a clipped text."""
    kept = _clean(value, 0)
    if isinstance(kept, dict | list):
        text = json.dumps(kept, ensure_ascii=False)
        if len(text) > MAX_TEXT:
            return clip(text)
    return kept


def clean_text(value: Any) -> Any:
    """`value` as JSON that can be kept, each of its texts clipped, and nothing else bounded but the depth."""
    return _clean(value, 0)


def _clean(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return clean(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, int):
        return value if abs(value) < 2**63 else str(value) if abs(value) < 10**4000 else "[a huge number]"
    if not isinstance(value, dict | list | tuple):
        return clean(str(value))
    if depth >= MAX_DEPTH:
        return _DEEPER
    if isinstance(value, dict):
        return {clean(str(key)): _clean(item, depth + 1) for key, item in value.items()}
    return [_clean(item, depth + 1) for item in value]


def text_of(value: Any) -> str:
    """A string as it is, anything else as JSON; `""` for nothing."""
    if value is None:
        return ""
    return clean(value) if isinstance(value, str) else clip(json.dumps(_clean(value, 0), ensure_ascii=False))


def parsed(value: Any) -> Any:
    """What a text says if it is JSON of an object or array, else the value itself."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return value
    return value


def time_of(text: Any) -> datetime | None:
    """An ISO 8601 time with its zone (UTC when it names none), or None for anything else."""
    if not isinstance(text, str):
        return None
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def fitted(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The events, cut so that a session of them can be kept: the first of too many, and long texts clipped further."""
    events = events[:MAX_KEPT_EVENTS]
    for limit in _LIMITS:
        if sum(len(str(event)) for event in events) <= MAX_KEPT_SIZE:
            break
        for event in events:
            for name in ("text", "output", "input"):
                if name in event and len(text := text_of(event[name])) > limit:
                    event[name] = clip(text, limit)
    return events


def id_of(text: str, suffix: str = "") -> str:
    """An id that format 1 takes: `text`, cut where it is too long, and the suffix."""
    return clean(text)[: MAX_ID_LENGTH - len(suffix)] + suffix


def session_line(session: dict[str, Any]) -> bytes:
    """The session as a line of format 1, its events numbered in order."""
    events = [{"seq": seq, **event} for seq, event in enumerate(session["events"])]
    return msgspec.json.encode({**session, "events": events})
