"""Take secrets out of text on the way in: `[redacted:KIND]` stands where one stood.

Pure, and linear in the length of the text: every unbounded repeat either ends its pattern or is cut off by
a character that it cannot match. Most text holds nothing; a search for a few literals finds that out first.
"""

import json
import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sessions.cards import is_card_number
from sessions.secret_words import KEYWORDS, NO_WORD, SECRET_NAME, TEMPLATE, Form, looks_secret

Counts = Counter[str]
Match = re.Match[str]

# A key may follow `\n` in text that was serialised once already.
START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"

GAP = r"(?:\s|\\[nr])*+"
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:"
    r"[^-]{0,8000}+-----END [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
    # one that was cut off: headers, then lines of base64
    rf"|(?:{GAP}[A-Z][A-Za-z-]{{1,20}}: [^\r\n\\]{{0,200}}+){{0,5}}+(?:{GAP}[A-Za-z0-9+/=]{{30,}}+)++)"
)
API_KEY = re.compile(
    START + r"(?:sk-[\w-]{20,}|[sr]k_(?:live|test)_\w{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}"
    r"|xox[abeoprs]-[\w-]{10,}|A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])|AIza[\w-]{30,}|glpat-[\w-]{16,}"
    r"|dl_[0-9A-Za-z]{4,16}_[\w-]{20,}|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{36})",
    re.ASCII,
)
JWT = re.compile(r"(?:(?<![\w-])|(?<=\\[nrt]))eyJ[\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?", re.ASCII)
AUTHORIZATION = re.compile(
    r"(?P<head>authorization[\\\"']{0,4}[ \t]{0,3}[:=,][ \t]{0,3}[\\\"']{0,4}"
    r"(?:(?P<scheme>[a-z]{5,9})[ ]{1,3})?|bearer[ ]{1,3})(?P<value>[A-Za-z0-9._~+/-]{8,}+=*+)",
    re.IGNORECASE,
)
URL_PASSWORD = re.compile(r"(?P<head>://[^\s/:@\"'<>]*+:)(?P<value>[^\s/\"'<>]+)@")
ASSIGNMENT = re.compile(
    rf"(?P<key>(?:{KEYWORDS})\d?)(?P<close>\\{{0,3}}[\"']\]?)?"
    r"(?P<sep>[ \t]{0,4}(?::[ ]?str(?:ing)?[ ]?=|:=|=>|[:=](?!=))[ \t]{0,4}"
    r"|[ ]is:?[ ]|[ ](?=\S)|>(?=[^<\s]{1,200}</))"
    r"(?:\"(?P<double>(?:[^\"\\\r\n]|\\.){1,400}+)|'(?P<single>(?:[^'\\\r\n]|\\.){1,400}+)"
    r"|\\{1,3}[\"'](?P<escaped>(?:[^\"'\\\r\n]|\\[^\"'rn]){1,400}+)"
    r"|(?P<bare>[^\s\"'`,;(){}\[\]<>\\&|]{3,400}+)(?P<after>[(\[]?))",
    re.IGNORECASE,
)
# What stands right before a name: `--db-`, `?`, `&` or `<`.
SHOUT = re.compile(r"(?P<option>--(?:[A-Za-z]+-){0,4})\Z|[?&<]\Z")
CARD = re.compile(
    r"[2-6](?<![\w.-].)(?:\d{13,18}|\d{3}([ -])(?:\d{4}\1\d{4}\1\d{4}(?:\1\d{3})?|\d{6}\1\d{4,5}))"
    r"(?![\w-]|\.\d)",
    re.ASCII,
)
JSON_KEY = re.compile(r"(?<!\\)\"\s*:\s*\Z")
HAS_DIGIT = re.compile(r"\d")


def _plain(kind: str) -> Callable[[Match], tuple[str, str]]:
    def replace(_: Match) -> tuple[str, str]:
        return kind, f"[redacted:{kind}]"

    return replace


def _api_key(match: Match) -> tuple[str, str]:
    words = match[0].startswith("sk-") and not HAS_DIGIT.search(match[0])
    return ("", match[0]) if words else ("api_key", "[redacted:api_key]")


def _authorization(match: Match) -> tuple[str, str]:
    value, scheme = match["value"], (match["scheme"] or "").lower()
    if scheme == "basic":
        credential = _is_basic(value)
    else:
        named = match["head"][0] in "aA"
        credential = HAS_DIGIT.search(value) is not None and len(value) >= (8 if named else 16)
    if not credential:
        return "", match[0]
    return "authorization", f"{match['head']}[redacted:authorization]"


def _is_basic(value: str) -> bool:
    try:
        return b":" in b64decode(value + "=" * (-len(value) % 4), validate=True)
    except NotBase64:
        return False


def _url_password(match: Match) -> tuple[str, str]:
    if TEMPLATE.match(match["value"]):
        return "", match[0]
    return "url_password", f"{match['head']}[redacted:url_password]@"


def _assignment(match: Match) -> tuple[str, str]:
    key, bare = match["key"], match["bare"]
    shout = SHOUT.search(match.string, max(0, match.start() - 42), match.start())
    if match["sep"] == " " and not (shout and shout["option"]) and not _stands_alone(key, bare):
        return "", match[0]
    shouted = shout is not None or (key.isupper() and match["sep"] == "=")
    value = bare or match["double"] or match["single"] or match["escaped"]
    if bare and not shouted:
        value = bare.rstrip(".!?:")  # the end of a sentence
    form: Form = "quoted" if not bare else "shouted" if shouted else "bare"
    if match["after"] or not looks_secret(key, value, form):
        return "", match[0]
    mark = f"[redacted:{kind_of(key)}]"
    if bare and bare.isdigit() and match["close"] == '"':
        mark = f'"{mark}"'  # a JSON number
    start = max(match.start(group) for group in ("bare", "double", "single", "escaped"))
    return kind_of(key), match.string[match.start() : start] + mark + match.string[start + len(value) : match.end()]


def _stands_alone(key: str, value: str | None) -> bool:
    """Whether a value is a password though it only follows the word."""
    return value is not None and kind_of(key) == "password" and NO_WORD.match(value.rstrip(".!?:")) is not None


def _card(match: Match) -> tuple[str, str]:
    if not is_card_number(match[0]):
        return "", match[0]
    is_json_number = JSON_KEY.search(match.string, max(0, match.start() - 12), match.start())
    return "card", '"[redacted:card]"' if is_json_number else "[redacted:card]"


def kind_of(name: str) -> str:
    return "password" if "pass" in name.lower() or "pwd" in name.lower() else "secret"


class Searchable:
    """A text in the forms that hints are looked for in: its bytes, the same in lower case, and its digits alike."""

    __slots__ = ("_lower", "data", "is_suspect")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_suspect = False  # whether a rule before this one may hold
        self._lower: bytes | None = None

    @property
    def lower(self) -> bytes:
        if self._lower is None:
            self._lower = self.data.lower()
        return self._lower


def _holds_private_key(text: Searchable) -> bool:
    return b"PRIVATE KEY" in text.data


def _holds_jwt(text: Searchable) -> bool:
    return JWT_HINT.search(text.data) is not None


def _holds_authorization(text: Searchable) -> bool:
    return AUTHORIZATION_HINT.search(text.lower) is not None or b"bearer" in text.lower


def _holds_name(text: Searchable) -> bool:
    lower = text.lower
    return b"secret" in lower or any(hint.search(lower) for hint in NAME_HINTS)


def _holds_key(text: Searchable) -> bool:
    data = text.data
    return any(hint.search(data) for hint in KEY_HINTS)


def _holds_url_password(text: Searchable) -> bool:
    return PASSWORD_IN_URL.search(text.data) is not None


def _holds_digits(text: Searchable) -> bool:
    """Digits grouped as on a card. Most long runs are fractions: no card where no other rule removes the point."""
    digits = text.data.translate(DIGITS_ALIKE)
    run = RUN_OF_DIGITS in digits
    if run and not text.is_suspect:
        run = digits.startswith(RUN_OF_DIGITS) or b"x" + RUN_OF_DIGITS in digits or b" " + RUN_OF_DIGITS in digits
    return run or any(begin in digits and any(group in digits for group in groups) for begin, groups in DIGIT_GROUPS)


@dataclass(frozen=True, slots=True)
class Rule:
    """`pattern` is tried on the texts that `may_hold` something: that test is cheap."""

    may_hold: Callable[[Searchable], bool]
    pattern: re.Pattern[str]
    replace: Callable[[Match], tuple[str, str]]

    def apply(self, text: str, counts: Counts) -> str:
        def replaced(match: Match) -> str:
            kind, instead = self.replace(match)
            if kind:
                counts[kind] += 1
            return instead

        return self.pattern.sub(replaced, text)


Rules = tuple[Rule, ...]

# What a pattern cannot match without. Each begins with a single letter, the rarest: the search for one is the
# fastest that `re` has, and looking back from it beats a search for each literal by far.
KEY_HINTS = (
    re.compile(rb"_(?:(?<=k_)(?:live|test)_|(?<=dl_)|(?<=hf_)|(?<=npm_)|(?<=gh[pousr]_)|(?<=github_)pat_)"),
    re.compile(rb"-(?:(?<=sk-)|(?<=glpat-))"),
    re.compile(rb"A(?:[KS]IA|Iza)"),
    re.compile(rb"x(?=ox)"),
)
JWT_HINT = re.compile(rb"J(?<=eyJ)")
# The next two are for text in lower case.
NAME_HINTS = (
    re.compile(rb"w(?:(?<=passw)|(?<=pw)d)"),
    re.compile(rb"pass(?:phrase|code)"),
    re.compile(
        rb"k(?:(?<=tok)en|(?:(?<=apik)|(?<=api[ _-]k)|(?<=accessk)|(?<=access[ _-]k)|(?<=privatek)|(?<=private[ _-]k)"
        rb"|(?<=signingk)|(?<=signing[ _-]k)|(?<=encryptionk)|(?<=encryption[ _-]k))ey)"
    ),
)
AUTHORIZATION_HINT = re.compile(rb"z(?<=authoriz)ation")
PASSWORD_IN_URL = re.compile(rb"://[^\s/:@]*+:[^\s/]+@")
# Digits become 0; points, dashes and spaces stay; all else becomes x.
DIGITS_ALIKE = bytes(48 if 48 <= byte < 58 else byte if byte in b".- " else 120 for byte in range(256))
RUN_OF_DIGITS = b"0" * 14
# How groups begin, and the groups.
DIGIT_GROUPS = (
    (b"0000 0000", (b"0000 0000 0000 0000", b"0000 000000 0000")),
    (b"0000-0000", (b"0000-0000-0000-0000", b"0000-000000-0000")),
)
RULES = (
    Rule(_holds_private_key, PRIVATE_KEY, _plain("private_key")),
    Rule(_holds_key, API_KEY, _api_key),
    Rule(_holds_jwt, JWT, _plain("jwt")),
    Rule(_holds_authorization, AUTHORIZATION, _authorization),
    Rule(_holds_url_password, URL_PASSWORD, _url_password),
    Rule(_holds_name, ASSIGNMENT, _assignment),
    Rule(_holds_digits, CARD, _card),
)


def suspected(data: bytes, rules: Rules = RULES) -> Rules:
    """Those of `rules` that could change some part of a text, which is `data` in UTF-8: none for most texts."""
    searchable = Searchable(data)
    found = []
    for rule in rules:
        if rule.may_hold(searchable):
            searchable.is_suspect = True
            found.append(rule)
    return tuple(found)


def redact(text: str, rules: Rules = RULES) -> tuple[str, dict[str, int]]:
    """`text` without its secrets, and how many of each kind were taken out."""
    rules = suspected(text.encode(errors="surrogatepass"), rules)
    if not rules:
        return text, {}
    counts: Counts = Counter()
    for rule in rules:
        text = rule.apply(text, counts)
    return text, dict(counts)


def redact_json(text: str, rules: Rules = RULES) -> tuple[str, dict[str, int]]:
    """As `redact`, for serialised JSON: what comes back is well-formed, and as it was if nothing is found."""
    if not suspected(text.encode(), rules):
        return text, {}
    counts: Counts = Counter()
    value = redact_value(json.loads(text), counts)
    return (json.dumps(value, ensure_ascii=False), dict(counts)) if counts else (text, {})


def redact_value(value: Any, counts: Counts) -> Any:
    """A copy of a JSON value without its secrets; adds their number to `counts`."""
    if type(value) is str:
        return _counted(value, counts)
    if type(value) is list:
        return [redact_value(item, counts) for item in value]
    if type(value) is dict:
        return _redact_object(value, counts)
    if type(value) is int and is_card_number(str(value)):
        counts["card"] += 1
        return "[redacted:card]"
    return value


def _counted(text: str, counts: Counts) -> str:
    redacted, found = redact(text)
    counts.update(found)
    return redacted


def _redact_object(value: dict[str, Any], counts: Counts) -> dict[str, Any]:
    redacted: dict[str, Any] = {}
    for key, item in value.items():
        name = _counted(key, counts)
        while name in redacted:  # two secrets as keys stay two keys
            name += "′"
        if _names_secret(key, item):
            counts[kind_of(key)] += 1
            redacted[name] = f"[redacted:{kind_of(key)}]"
        else:
            redacted[name] = redact_value(item, counts)
    return redacted


def _names_secret(key: str, item: Any) -> bool:
    named = type(item) in (str, int) and SECRET_NAME.search(key) is not None
    return named and looks_secret(key, str(item), "data")
