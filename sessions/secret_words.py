"""Which names announce a secret, and which values are one: "hunter2" is, `self.read()` is not."""

import re

NAMES = r"passw(?:or)?d|passphrase|passcode|pwd"
KEYWORDS = (
    NAMES + r"|secret(?:[_-]?(?:access[_-]?)?key)?"
    r"|(?:api|access|private|signing|encryption)[_ -]?key|token(?<!page.token)(?<!pagetoken)(?<!next.token)"
)
SECRET_NAME = re.compile(rf"(?:{KEYWORDS})\d?\Z", re.IGNORECASE)
IS_PASSWORD = re.compile(NAMES, re.IGNORECASE)
# What stands for a secret without being one: references, templates, blanks.
TEMPLATE = re.compile(r"[$%{<*]|\[redacted:|[x*•.#_-]+\Z", re.IGNORECASE)
PLACEHOLDER = re.compile(
    r"[,)\]+:;=/~.\s]|(?:none|null|true|false|undefined|nil|string|self|args|kwargs|os|placeholder)(?![\w-])|your[_-]",
    re.IGNORECASE,
)
NAME_OF_ITSELF = re.compile(r"(?:\w{0,20}_)?(?:passw(?:or)?d|pwd|pass|str)\d?\Z", re.IGNORECASE)
DOTTED_NAME = re.compile(r"[A-Za-z_][\w.]*\Z")
HAS_LETTER = re.compile(r"[A-Za-z]")
HAS_DIGIT = re.compile(r"\d")
STRENGTH = re.compile(r"[\d!@#^*]")


def looks_secret(key: str, value: str, *, quoted: bool, shouted: bool = False) -> bool:
    """Whether `value`, found behind the name `key`, is a secret.

    `quoted` values are data; a bare one may be code, unless it was `shouted` (`PASSWORD=…`, `--password …`).
    """
    if not value or TEMPLATE.match(value) or PLACEHOLDER.match(value) or "://" in value:
        return False
    has_digit, has_letter = HAS_DIGIT.search(value), HAS_LETTER.search(value)
    if not IS_PASSWORD.search(key):
        return bool(has_digit and has_letter) and _is_token(value, quoted=quoted, shouted=shouted)
    if " " in value:
        return bool(has_digit) or "phrase" in key.lower()
    if quoted:
        return True
    if DOTTED_NAME.match(value):
        return _is_bare_word(value, shouted=shouted)
    return bool(STRENGTH.search(value)) or shouted


def _is_token(value: str, *, quoted: bool, shouted: bool) -> bool:
    if " " in value:
        return False
    if quoted or shouted:
        return len(value) >= 8
    return len(value) >= (20 if "." in value else 12)


def _is_bare_word(value: str, *, shouted: bool) -> bool:
    if "." in value or NAME_OF_ITSELF.match(value):
        return False
    return shouted or (len(value) >= 6 and bool(HAS_DIGIT.search(value)))
