"""Error messages with what varies taken out, so that one error is one template wherever it comes from.

The approach is Drain's pre-processing (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth
Tree", ICWS 2017): mask what is known to vary first. What varies without such a shape is merged later, over a
whole window, in `groups`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from dreaming.mining.hostile import holds_private, with_secrets_masked

TEMPLATE_LIMIT = 200
_SOURCE_LIMIT = 600
_VALUE = "<value>"

_WRAPPERS = re.compile(
    r"""^\s*(?:
      (?:\S+\s+)?(?:error|err|fatal|exception|failure|failed|warning|critical)\s*(?:-?\d+\s*)?[:\-–—|=]+\s*
    | [\[(]\s*(?:error|err|fatal|exception|failure|failed|warning|critical)\s*[\])][:\s]*
    | \d{4}-\d\d-\d\d[T\ ][\d:.,]+\S*\s+(?:error|fatal|critical|warning)\s+
    | (?:error|exception|failure)\s+(?:executing|calling|running|invoking|in|from|by|of)\s+
        (?:tool\s+|function\s+)?[\w./:-]{2,80}?\s*:\s+
    | (?:error|exception|failure)\s+(?:\w+\s+){0,3}<tool>\s*[:\-–—|]+\s*
    | (?:an?\s+)?(?:error|exception)\s+(?:occurred|was\s+raised|happened)\b[^:]{0,60}[:\-–—|]+\s*
    | (?:tool|function|command|call|request|execution|api|server|mcp)\s+(?:\w+\s+){0,2}?
        (?:error|failed|failure|call\s+failed)(?:\s+\w+){0,3}\s*(?:\(\d+\))?\s*[:\-–—|]+\s*
    | [\w./:-]{0,60}<tool>(?:\(\))?\s*(?:failed|error|raised|returned\s+an?\s+error)?(?:\s+with)?
        (?:\s+error)?\s*[:\-–—|]+\s*
    | (?:http(?:/\d(?:\.\d)?)?\s*(?:status|error|code)?|status(?:\s+code)?|code)?\s*[:=]?\s*\(?[45]\d\d\)?
        \s*(?:bad\ request|not\ found|unauthorized|forbidden|conflict|internal\ server\ error
             |unprocessable\ entity
             |unprocessable\ content|too\ many\ requests|service\ unavailable|bad\ gateway|client\ error
             |server\ error|gone|method\ not\ allowed|precondition\ failed)?
        \s*[:\-–—|]+\s*
    | (?:error|exit|return)\s*code\s*[:=]?\s*-?\d+\s*[:\-–—|,]+\s*
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_BULLET = re.compile(r"^(?:[^\w<>\[\](){}\"'`$#/~.+-]|[-.+#]\s)+")
_CLASS = re.compile(r"^(?:[a-zA-Z_][\w]*\.)*[A-Z]\w*(?:Error|Exception|Exc|Fault|Failure)\s*[:\-]\s+(?=\S+\s+\S+)")
_QUOTED = re.compile(r"""`([^`\n]{0,120})`|"([^"\n]{0,120})"|(?<!\w)'([^'\n]{0,120})'(?!\w)|“([^”\n]{0,120})”""")
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), name)
    for pattern, name in (
        (r"\b[a-z][a-z0-9+.-]{1,15}://[^\s<>\"')]+", "<url>"),
        (r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", "<email>"),
        (r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b", "<id>"),
        (r"\b\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:z|[+-]\d\d:?\d\d)?\b", "<time>"),
        (r"\b(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})\b", "<date>"),
        (r"\b\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?(?:\s?[ap]m)?\b", "<time>"),
        (r"(?:(?<=\s)|^|(?<=[(\[=:]))(?:[a-z]:\\|~?/|\.{1,2}/)[^\s:;,'\"()\[\]<>]+", "<path>"),
        (r"\b(?!\d+/\d+/\d)[\w.-]+/[\w.-]+(?:(?:/[\w.-]+)+|\.\w{1,5})\b", "<path>"),
        (r"\b0x[0-9a-f]+\b", "<id>"),
        (r"[$€£¥]\s?-?\d[\d,]*(?:\.\d+)?|\b-?\d[\d,]*(?:\.\d+)?\s?(?:usd|eur|gbp|chf|jpy)\b", "<n>"),
        (r"#?\b(?=[\w-]*\d[\w-]*\d)(?=[\w-]*[a-z_])[\w]+(?:-[\w]+)*\b", "<id>"),
        (r"#\d+\b", "<id>"),
        (r"\b(?=[\w-]*\d)[a-z]{1,6}[-_]\d+\b|\b[a-z]\d+\b", "<id>"),
        (r"(?<![\w<])[-+]?\d+(?:[.,]\d+)*%?(?!\w)", "<n>"),
    )
)
# Two or three capitalised words in a row inside a sentence name a person, a firm or a place.
_NAME = re.compile(
    r"(?:(?<=[a-z,] )|(?<=[a-z]: )|(?<=> ))[A-Z][a-zà-öø-ÿ][\w'’-]*(?: (?:[a-z]{2,3} )?[A-Z][a-zà-öø-ÿ][\w'’-]*){1,2}\b"
)
_FILE = re.compile(r"<(?:id|n)>\.[a-zA-Z]\w{1,4}\b")
_COMPOUND = re.compile(r"<id>(?:[/.:-]<(?:id|n)>)+")
_LIST = re.compile(r"(<[a-z]+>)(?:\s*(?:,|and|or)\s*<[a-z]+>)+")
_COLLECTION = re.compile(r"[\[{(]\s*(?:(?:<[a-z]+>|[\w]+\s*:)\s*[,:]?\s*)+[\]})]")
_GENERIC = frozenset(
    [
        "a",
        "an",
        "the",
        "error",
        "errors",
        "exception",
        "failed",
        "failure",
        "fail",
        "fatal",
        "unknown",
        "internal",
        "server",
        "something",
        "went",
        "wrong",
        "has",
        "have",
        "unexpected",
        "occurred",
        "while",
        "during",
        "executing",
        "running",
        "tool",
        "call",
        "command",
        "request",
        "with",
        "code",
        "exit",
        "status",
        "return",
        "returncode",
        "in",
        "of",
        "on",
        "at",
        "is",
        "was",
        "not",
        "please",
        "try",
        "again",
        "later",
        "was",
        "were",
        "to",
        "by",
        "for",
        "and",
        "or",
        "it",
        "none",
        "null",
        "false",
        "true",
        "without",
        "message",
        "test",
        "tests",
        "warning",
        "warnings",
        "output",
        "invalid",
        "bad",
        "operation",
        "process",
        "function",
    ]
)


@dataclass(frozen=True, slots=True)
class Template:
    """`text` with placeholders such as `<id>`; `values` are what stood in its `<value>` slots, in order."""

    text: str
    values: tuple[str, ...]


def template_of(message: str, tool: str = "") -> Template:
    """Template one error message (a line or two); `tool` and its name's variants become `<tool>`."""
    text = with_secrets_masked(" ".join(message[:_SOURCE_LIMIT].split()), "<id>")
    text = _unwrap(_mask_tool(text, tool))
    values: list[str] = []
    text = _QUOTED.sub(lambda found: _slot(found, values), text)
    text = _NAME.sub("<name>", text)
    for pattern, name in _SHAPES:
        text = pattern.sub(name, text)
    text = _COMPOUND.sub("<id>", _FILE.sub("<path>", text))
    text = _COLLECTION.sub("<list>", _LIST.sub(r"\1", text))
    text = re.sub(r"\s+", " ", text).lower().strip(" .:;,!-–—|")
    return Template(_clip(text), tuple(values[: text.count(_VALUE)]))


def masked(text: str) -> str:
    """Return the text with ids, amounts, dates, paths and addresses as placeholders; words stay as they are."""
    for pattern, name in _SHAPES:
        text = pattern.sub(name, text)
    return text


def own_words(template: str) -> int:
    """Count the words by which a template says more than that something went wrong; a slot counts as one."""
    words = set(re.findall(r"[^\W\d_]{2,}", re.sub(r"<[a-z]+>", " ", template))) - _GENERIC
    return len(words) + bool(words and _VALUE in template)


@lru_cache(maxsize=4096)
def tool_family(name: str) -> str:
    """Return the tool's own name without server prefix, in snake case: `mcp__crm__getUser` is `get_user`.

    A name of one word keeps what it is of: `valve.open` and `gate.open` are two tools.
    """
    shell, _, ran = name.partition(": ")
    if ran:
        return _snake(f"{shell} {ran}")
    parts = [part for part in map(_snake, re.split(r"__|[./:]", name)) if part]
    return "_".join(parts[-1:] if parts and "_" in parts[-1] else parts[-2:])


def _snake(name: str) -> str:
    return re.sub(r"[\W_]+", "_", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)).strip("_").lower()


def fill(template: str, values: tuple[str, ...]) -> str:
    """Put `values` back into the `<value>` slots of a template."""
    for value in values:
        template = template.replace(_VALUE, value.lower(), 1)
    return template


def _mask_tool(text: str, tool: str) -> str:
    for name in {tool, re.split(r"__|[./:]", tool)[-1]} if tool else set[str]():
        if len(name) > 3:
            text = re.sub(rf"(?<!\w){re.escape(name)}", "<tool>", text)
    return text


def _unwrap(text: str) -> str:
    for _ in range(6):
        text = _BULLET.sub("", text)
        shorter = _CLASS.sub("", _WRAPPERS.sub("", text, count=1), count=1)
        if shorter == text or len(shorter) < 3:
            break
        text = shorter
    return text


def _slot(found: re.Match[str], values: list[str]) -> str:
    value = next(group for group in found.groups() if group is not None)
    values.append((masked(value) if holds_private(value) else value)[:60])
    return _VALUE


def _clip(text: str) -> str:
    if len(text) <= TEMPLATE_LIMIT:
        return text
    return text[:TEMPLATE_LIMIT].rsplit(" ", 1)[0] + " …"
