"""Which names announce a secret, and which values are one: "hunter2" is, `self.read()` is not."""

import re
from typing import Literal

NAMES = r"passw(?:or)?d|passphrase|passcode|pwd"
KEYWORDS = (
    NAMES + r"|secret(?:[_-]?(?:access[_-]?)?key)?"
    r"|(?:api|access|private|signing|encryption)[_ -]?key|token(?<!page.token)(?<!pagetoken)(?<!next.token)"
)
SECRET_NAME = re.compile(rf"(?:{KEYWORDS})\d?\Z", re.IGNORECASE)
IS_PASSWORD = re.compile(NAMES, re.IGNORECASE)
# What stands for a secret without being one: references, templates, blanks.
TEMPLATE = re.compile(
    r"(?:\$\{.*|\$\(.*|(?-i:\$[A-Z_][A-Z0-9_]*)|\{.*\}|<.*>?|%[sdr]|%\(\w+\)s|\[redacted:.*|[x*•.#_-]+|your[_-].*"
    r"|none|null|true|false|undefined|nil|string|self|args|kwargs|placeholder)\Z",
    re.IGNORECASE,
)
# How code or prose goes on behind a quotation mark, or behind `password=`.
CODE_AFTER_QUOTE = re.compile(r"[,)\]:;+\s]")
CODE = re.compile(r"[,)\]+:;=/~.\s$%{<*]|(?:none|null|true|false|string|self|args|kwargs|os)(?!\w)", re.IGNORECASE)
NAME_OF_ITSELF = re.compile(r"(?:\w{0,20}_)?(?:passw(?:or)?d|pwd|pass|str)\d?\Z", re.IGNORECASE)
DOTTED_NAME = re.compile(r"[A-Za-z_][\w.]*\Z")
HAS_LETTER = re.compile(r"[A-Za-z]")
HAS_DIGIT = re.compile(r"\d")
STRENGTH = re.compile(r"[\d!@#^*]")

# Where nothing but a space announces it, a value counts that no word looks like: `password Pw!6X2yp3`, `pwd Autumn26x`.
_SIGN = r"(?=\S*[!#$%^*?@+~]\S)"
NO_WORD = re.compile(
    rf"(?:(?=\S*\d)(?=\S*[A-Za-z]){_SIGN}|(?=\S*[a-z])(?=\S*[A-Z]){_SIGN}|(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])(?=\w+\Z))\S{{8,}}\Z"
)

# How a value was written: as a JSON value, between quotation marks, bare (then it may be code), or bare where no
# code is (`PASSWORD=…`, `--password …`).
Form = Literal["data", "quoted", "bare", "shouted"]


def looks_secret(key: str, value: str, form: Form) -> bool:
    """Whether `value`, found behind the name `key`, is a secret."""
    if not value or TEMPLATE.match(value) or "://" in value:
        return False
    if (form == "quoted" and CODE_AFTER_QUOTE.match(value)) or (form in ("bare", "shouted") and CODE.match(value)):
        return False
    if not IS_PASSWORD.search(key):
        return _is_token(value, form)
    if " " in value:
        return HAS_DIGIT.search(value) is not None or "phrase" in key.lower()
    if form in ("data", "quoted"):
        return True
    if DOTTED_NAME.match(value):
        return _is_bare_word(value, form)
    return form == "shouted" or STRENGTH.search(value) is not None


def _is_token(value: str, form: Form) -> bool:
    if " " in value or not (HAS_DIGIT.search(value) and HAS_LETTER.search(value)):
        return False
    if form == "bare":
        return len(value) >= (20 if "." in value else 12)
    return len(value) >= 8


def _is_bare_word(value: str, form: Form) -> bool:
    if "." in value or NAME_OF_ITSELF.match(value):
        return False
    return form == "shouted" or (len(value) >= 6 and HAS_DIGIT.search(value) is not None)
