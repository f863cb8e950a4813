"""Telling a failed tool result from a working one, flagged or not, and finding the line that says why."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from dreaming.mining.logs import Record, after_routine, is_record, marked_record, records_of, with_detail
from dreaming.mining.templates import own_words

_CLIP = 16_000
_SHORT = 240
_FEW_LINES = 6
_FEW_IN_ALL = 12
_STACK = "Traceback (most recent call last)"
_RAISED = re.compile(r"^[a-zA-Z_][\w.]*(?::\s+\S.*)?$")
_EXCEPTION = re.compile(
    r"^(?:E\s+)?(?P<all>(?:[a-zA-Z_]\w*\.)*[A-Z]\w*(?:Error|Exception|NotFound|Exit|Interrupt|Timeout"
    r"|NotReady|Failed|DoesNotExist)(?::.*)?)$"
)
_TELLING = re.compile(
    r"command not found|no such file|no module named|permission denied|not recognized as"
    r"|cannot (?:access|open|find)"
    r"|segmentation fault|out of memory|timed? ?out|connection (?:refused|reset)|syntax error"
    r"|^(?:\S+:\s*)?(?:error|fatal|usage)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(r"^(?:(?:root )?caused? ?(?:by)?|reason)\s*[:=]\s*((?:\S+\s+){2,}\S+.*)$", re.IGNORECASE)
_NOTHING = re.compile(
    r"^(?:no|0|zero|<n>) [a-z_]{3,}(?: (?:for|in|with|match\w*|found|to|at|on)\b[^\n]{0,80})?\.?$", re.I
)
_CELLS = re.compile(r"[|\t]")
_FEW_WORDS = 3
_SAYS_MUCH = 2
_FEW_ROWS = 2
_TAGS = re.compile(r"</?(?:returncode|exit_code|output|stdout|stderr|error|output_head|output_tail|result)>")
_TAG_AROUND = re.compile(r"^<(?P<name>\w*)>\s*(?P<inner>.*?)\s*(?:</(?P=name)>)?$")
_ERROR_TAG = re.compile(r"^\s*<\w*(?:error|exception|failure)\w*>", re.IGNORECASE)
_RETURN_CODE = re.compile(
    r"<(?:returncode|exit_code|exitcode)>\s*(-?\d+)\s*</|^[\[(]?(?:exit|return)[ _]?(?:code|status)[:= ]+(-?\d+)[\])]?\s*$"
    r"|^(?:process|command) exited with (?:code|status) (-?\d+)",
    re.IGNORECASE | re.MULTILINE,
)
_STARTS = re.compile(
    r"^\W{0,3}(?:error\b|err:|[\w.]*(?:error|exception)\s*:|(?:mcp|api|http|rpc) error\b|exception\b"
    r"|fatal\b|failed\b|failure\b|invalid\b|unable to\b|cannot\b|can't\b|could not\b|couldn't\b"
    r"|(?:permission|access) denied"
    r"|unauthori[sz]ed|forbidden\b|timed? ?out"
    r"|rejected\b|denied\b|missing\b|unknown\b|http(?:/\S+)? [45]\d\d\b"
    r"|[(\[]?[45]\d\d[)\]]?:?\s(?:bad|not|un|forbidden|conflict|gone|internal|too|service|gateway|method"
    r"|client|server))",
    re.IGNORECASE,
)
_SAYS = re.compile(
    r"\b(?:not found|does not exist|doesn't exist|do not exist|no such|not allowed|not permitted"
    r"|not supported"
    r"|not available|is required|are required|is invalid|are invalid|must be|must not|must match"
    r"|already exists"
    r"|(?:is|are|was|were) (?:broken|unavailable|unreachable|unreadable|unsupported|corrupt(?:ed)?)"
    r"|(?:was|were|been|is) (?:rejected|denied|refused)|cannot be|can not be|could not be|failed|timed out"
    r"|query failed|unauthori[sz]ed|forbidden|insufficient|expired)\b|^(?:no|0|zero) (?:rows|results|records"
    r"|matches|entries|hits|items)\b|^no [a-z ]{2,30}(?:found|matched|returned)\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"[{}=;<>|]|\w\(|::|^\s*(?:\d+[:\-]|[+\-@]{2,})")
_PAIR = re.compile(r"(?m)(\b[a-z][\w-]*)=(?=\S)", re.IGNORECASE)
_ARROW = re.compile(r"[-=]+>")
_ELEMENT = re.compile(r"<([\w:.-]+)[^<>]*>([^<>]+)</")
_BRACKET = re.compile(r"[(\[]")
_BAD_KEYS = ("error", "errors", "exception", "error_message", "errormessage", "err", "fault", "failure")
_SAY_KEYS = (
    "message",
    "msg",
    "detail",
    "details",
    "reason",
    "description",
    "title",
    "error_description",
    "text",
    "code",
)
_FAILED_STATUS = frozenset({"error", "failed", "failure", "rejected", "denied", "invalid", "err", "fail"})


def failure_line(output: str, is_error: bool | None) -> str | None:
    """Return the message of a failed result, or None when the result is no failure.

    `output` is the stored text of a tool result; only its two ends are read when it is long. The message need
    not be a substring (JSON unescapes); `locate` finds the exact place.
    """
    text = _ends(output)
    if is_error:
        return _say(_json(output)) or telling_line(text) or "failed without a message"
    value = _json(output)
    if isinstance(value, str):
        return _plain_failure(value)
    if value is not None:
        return _json_failure(value)
    return _plain_failure(text)


def telling_line(text: str) -> str:
    """Return the line of an error text that says what went wrong: the exception, the shell's complaint, or
    the first.
    """
    text = _ends(text)
    if text.lstrip().startswith("<?xml") and (inner := _from_xml(text)):
        return inner
    at = text.find("{", 0, 200)
    if at >= 0 and (inner := _say(_json(text[at:]))):
        return inner
    records = records_of(_TAGS.sub("\n", _RETURN_CODE.sub("\n", text)).splitlines())
    if not records:
        return ""
    telling = [record for record in records if not record.routine] or records
    lines = [_untagged(line) for record in telling for line in (record.line, *record.below)]
    if cause := next((found[1] for line in lines if (found := _CAUSE.match(line))), ""):
        return cause
    if raised := _raised(text):
        return raised
    exceptions = [found["all"] for line in lines if (found := _EXCEPTION.match(line))]
    if exceptions:
        return with_detail(exceptions[-1], telling)
    if logged := marked_record(records):
        return with_detail(logged.said, records)
    if odd := _odd_one_out(lines):
        return odd
    for line in lines:
        if len(line) <= 400 and _TELLING.search(line):
            return _with_fields(line, lines, telling)
    heads = [record for record in after_routine(records) if not record.line.startswith(_STACK)] or telling
    return _with_fields(_untagged(heads[0 if len(lines) <= _FEW_IN_ALL else -1].line), lines, telling)


def _raised(text: str) -> str:
    """Return what the last stack trace ends with: the first line after its frames that is not set in."""
    _, stack, rest = text.rpartition(_STACK)
    lines = rest.splitlines()[1:] if stack else []
    ends = (line for before, line in pairwise(lines) if before[:1].isspace() and line[:1].strip())
    said = next(ends, "").strip()
    return said if _RAISED.match(said) else ""


def _odd_one_out(lines: list[str]) -> str:
    """Return the one line with words of its own that stands among rows of a table."""
    rows = [line for line in lines if len(_CELLS.findall(line)) > 1]
    rest = [line.lstrip("-#!*> ") for line in lines if line not in rows and len(line.split()) >= _FEW_WORDS]
    return rest[0] if len(rows) >= _FEW_ROWS and len(rest) == 1 else ""


def _from_xml(text: str) -> str:
    """Return what the element says that is named for an error or a message, else the longest text of any."""
    found = [(name.lower(), " ".join(said.split())) for name, said in _ELEMENT.findall(text) if said.strip()]
    named = [said for name, said in found if any(key in name for key in (*_BAD_KEYS, *_SAY_KEYS)) and " " in said]
    return named[0] if named else max((said for _, said in found if len(said.split()) > 2), key=len, default="")


def _odd_element(text: str) -> str:
    """Return what the one element of a document says in words whose name no other bears."""
    if not text.startswith("<?xml"):
        return ""
    found = [(name, " ".join(said.split())) for name, said in _ELEMENT.findall(text) if said.strip()]
    names = Counter(name for name, _ in found)
    odd = [said for name, said in found if names[name] == 1 and len(said.split()) >= _FEW_WORDS]
    return odd[0] if len(odd) == 1 and len(found) > _FEW_WORDS else ""


def is_structured(output: str) -> bool:
    """Whether an answer is data: JSON, XML, or rows of a table or a log."""
    text = output.strip()
    if text[:1] in {"{", "[", "<"}:
        return True
    lines = text.splitlines()
    return len(lines) >= _FEW_ROWS and all(is_record(line) or len(_CELLS.findall(line)) > 1 for line in lines)


def is_sentence(output: str) -> bool:
    """Whether an answer is one short line of words."""
    text = output.strip()
    return "\n" not in text and len(text) <= _SHORT and len(text.split()) >= _FEW_WORDS and not is_structured(text)


def _untagged(line: str) -> str:
    found = _TAG_AROUND.match(line.strip())
    return found["inner"] if found else line.strip()


def plain_answer(output: str) -> str:
    """Return a short answer that nothing marks as an error as one sentence: its lines, or of its JSON the one sentence in
    it, else the fields that are not numbers; '' where it is long.
    """
    text = output.strip()
    if len(text) > _SHORT or text.count("\n") > _FEW_LINES:
        return ""
    value = _json(text)
    if not isinstance(value, dict):
        said = _PAIR.sub(r"\1 is ", _ARROW.sub(" ", text))
        return " ".join(said.split()) if value is None and not _CODE.search(said) else ""
    leaves = list(_leaves(value))
    sentences = [item for _, item in leaves if isinstance(item, str) and len(item.split()) >= _FEW_WORDS]
    if len(sentences) == 1 and not any(item is None or item is False for _, item in leaves):
        return " ".join(sentences[0].split())
    return "; ".join(f"{key.replace('_', ' ')} is {_worded(item)}" for key, item in leaves if _worded(item))


def _leaves(value: dict[str, Any], depth: int = 0) -> Iterator[tuple[str, Any]]:
    for key, item in list(value.items())[:12]:
        if isinstance(item, dict) and depth < 3:
            yield from ((f"{key} {name}", inner) for name, inner in _leaves(item, depth + 1))
        elif isinstance(item, list):
            yield from ((str(key), inner) for inner in item[:_FEW_WORDS] if isinstance(inner, str))
        else:
            yield str(key), item


def _worded(item: Any) -> str:
    if isinstance(item, bool) or item is None:
        return json.dumps(item)
    return item.replace("_", " ") if isinstance(item, str) else ""


def locate(message: str, output: str, limit: int) -> str:
    """Return an exact substring of `output`, at most `limit` characters, that shows `message` best."""
    first = message.splitlines()[0].strip()[:limit] if message.strip() else ""
    for needle in (message[:limit], first, json.dumps(first, ensure_ascii=False)[1:-1], first[:60]):
        at = output.find(needle) if needle else -1
        if at >= 0:
            end = output.find("\n", at + len(needle))
            return output[at : min(at + limit, len(output) if end < 0 else end)].rstrip() or needle
    return output[:limit].rstrip()


def _ends(text: str) -> str:
    return text if len(text) <= 2 * _CLIP else f"{text[:_CLIP]}\n{text[-_CLIP:]}"


def _json(output: str) -> Any:
    head = output.lstrip()[:1]
    if head not in {"{", "[", '"'} or len(output) > 200_000:
        return None
    try:
        value = json.loads(output)
        return json.loads(value) if isinstance(value, str) and value.lstrip()[:1] in {"{", "["} else value
    except (ValueError, RecursionError):
        return _printed(output)


def _printed(output: str) -> Any:
    """Return a dict or a list that Python printed."""
    if len(output) > _CLIP or output.strip()[:2] not in {"{'", "[{"}:
        return None
    try:
        return ast.literal_eval(output.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None


def _json_failure(value: Any) -> str | None:
    if not isinstance(value, dict):
        return None
    lowered = {str(key).lower(): item for key, item in value.items()}
    if _is_mcp_error(lowered) or any(_truthy_error(lowered.get(key)) for key in _BAD_KEYS):
        return _say(value) or "failed without a message"
    flat = {key: item for key, item in lowered.items() if isinstance(item, str)}
    status = flat.get("status", flat.get("result", "")).strip().lower()
    said = any(lowered.get(key) for key in _SAY_KEYS)
    if said and (status in _FAILED_STATUS or lowered.get("success") is False or lowered.get("ok") is False):
        return _say(value) or None
    return _nothing_in(value)


def says_nothing_found(text: str) -> bool:
    """Whether an answer, or its template, says no more than that there is none of what was asked for."""
    return bool(_NOTHING.match(text))


def _nothing_in(value: dict[str, Any]) -> str | None:
    """Return what an answer has none of: its lists are empty, and all else in it is nought."""
    lists = [str(key) for key, item in value.items() if isinstance(item, list)]
    return f"no {lists[0].replace('_', ' ')}" if lists and not any(value.values()) else None


def _is_mcp_error(lowered: dict[str, Any]) -> bool:
    return lowered.get("iserror") is True or lowered.get("is_error") is True


def _truthy_error(item: Any) -> bool:
    if isinstance(item, str):
        return item.strip().lower() not in {"", "none", "null", "no", "false", "0", "ok"}
    return bool(item) and (item is True or isinstance(item, dict | list))


def _say(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return telling_line(value) if value.strip() else ""
    if depth > 4 or not isinstance(value, dict | list):
        return ""
    if isinstance(value, list):
        return next((said for item in value[:5] if (said := _say(item, depth + 1))), "")
    lowered = {str(key).lower(): item for key, item in value.items()}
    for key in (*_BAD_KEYS, *_SAY_KEYS, "content", "data", "result"):
        if said := _say(lowered.get(key), depth + 1):
            inner = _say(lowered.get("message"), depth + 1) if key in _BAD_KEYS and " " not in said else ""
            return inner or _with_what_is_meant(
                said, [lowered.get(other) for other in _SAY_KEYS if other != key], depth
            )
    sentences = [item for item in lowered.values() if isinstance(item, str) and len(item.split()) > 2]
    return max(sentences, key=len, default="")


def _with_what_is_meant(said: str, others: list[Any], depth: int) -> str:
    """Join what only says that something failed with the first other field that says more."""
    if own_words(said.lower()) >= _SAYS_MUCH:
        return said
    told = (_say(other, depth + 1) for other in others if other)
    more = next((text for text in told if own_words(text.lower()) >= _SAYS_MUCH and " " in text), "")
    return f"{said}\n{more}" if more else said


def _plain_failure(text: str) -> str | None:
    codes = [next(filter(None, found)) for found in _RETURN_CODE.findall(text[:2000])]
    if codes and codes[0] != "0":
        return telling_line(text) or "failed without a message"
    stripped = _TAGS.sub("\n", _RETURN_CODE.sub("\n", text)).strip()
    lines = stripped.splitlines()
    if not lines:
        return None
    if _STACK in stripped and (found := _EXCEPTION.match(lines[-1].strip())):
        return found["all"]
    if _ERROR_TAG.match(stripped) or _ERROR_TAG.match(text):
        return telling_line(stripped)
    records = records_of(lines)
    if logged := marked_record(records):
        return with_detail(logged.said, records)
    if odd := _odd_one_out(lines) or _odd_element(stripped):
        return odd
    if not stripped.startswith("<") and says_nothing_found(stripped):
        return stripped
    first = lines[0].strip()
    short = len(stripped) <= _SHORT and len(lines) <= 3
    if _STARTS.match(first) and (short or (first.lower().startswith("error") and len(stripped) <= 2000)):
        return telling_line(stripped)
    if short and len(lines) == 1 and len(first) <= 160 and not _CODE.search(first) and _SAYS.search(first):
        return first
    return None


def _with_fields(line: str, lines: list[str], records: list[Record]) -> str:
    """Join a heading such as '2 validation errors for X' with the fields that it announces, another line with its detail."""
    if not re.search(r"\berrors?\b[^:]*$|:$", line) or len(lines) < 2:
        return with_detail(line, records)
    rest = lines[lines.index(line) + 1 :][:8]
    fields = sorted({name for name, after in pairwise(rest) if re.fullmatch(r"[\w.\[\]]{1,60}", name) and after})
    if not fields:
        return with_detail(line, records)
    said = next((item for item in rest if item not in fields and not item.lower().startswith("for further")), "")
    return f"{line}\n{', '.join(fields)}: {_BRACKET.split(said, maxsplit=1)[0].strip()}"
