"""What must not get from a transcript into a memory: orders, secrets, personal data, what cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterator
from itertools import pairwise

from sessions.injection import gives_orders

_SECRET = re.compile(
    r"\b(?:sk|pk|ghp|gho|xox[abp]|akia|asia|eyj)[-_]?[A-Za-z0-9_\-]{12,}"
    r"|-----BEGIN|\b(?:password|passwd|secret|token|api[_ -]?key|bearer|pwd)\b\s*(?:[:=]|is)\s*\S{4,}"
    r"|\b(?:password|passwd|passphrase|passcode|pwd|pw)[ :=]+(?-i:"
    r"(?=\S*\d)(?=\S*[A-Za-z])(?=\S*[!#$%^*?@+~]\w)|(?=\S*[a-z])(?=\S*[A-Z])(?=\S*[!#$%^*?@+~]\w)"
    r"|(?=\w*\d)(?=\w*[A-Z])(?=\w*[a-z])(?=\w+(?![\w.-])))\S{8,}"
    r"|--?(?:password|passwd|pwd|token|secret|api-?key)[ =]\S{4,}"
    r"|\b(?:\d[ -]?){13,19}\b|\b(?=[A-Za-z0-9+/_-]*\d)(?=[A-Za-z0-9+/_-]*[A-Z])(?=[A-Za-z0-9+/_-]*[a-z])"
    r"[A-Za-z0-9+/_-]{28,}\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|(?<![\w/.-])\+?\(?\d{2,4}\)?[ /.-]\(?\d{2,4}\)?[ /.-]?\d{3,}(?:[ .-]\d{2,5})*(?![\w/-])"
    r"|\b\d{3}-\d{2}-\d{4}\b|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b"
)
# Words of both cases with digits and a sign that sentences have no use for: what people choose for passwords.
_PASSWORD = re.compile(
    r"(?<![\w-])(?=[\w-]{0,40}\d)(?=[\w-]{0,40}[A-Z])(?=[\w-]{0,40}[a-z])[\w-]{9,40}[!#$%^&*](?![\w=])"
    r"|(?<![\w-])(?=[\w!^-]{0,40}\d)(?=[\w!^-]{0,40}[A-Z])(?=[\w!^-]{0,40}[a-z])[\w-]{3,40}[!^](?![A-Z]{1,3}\d)\w{5,40}"
)
# Letters of both cases and digits that change place as often as only chance does.
_KEY = re.compile(r"(?<![\w/+-])[A-Za-z0-9_+-]{16,}={0,2}(?![\w/+-])")
_KEY_TURNS = 0.4
_KEY_PIECE = 8
_JOINS = re.compile(r"[_+-]")
_CLASSES = ((str.isdigit, 1), (str.isupper, 2), (str.islower, 3))
_BETWEEN_WORDS = " \t\r\n\"'`,;()[]{}<>|"
_LINK = re.compile(r"\b(?:https?|ftp|data|javascript)\s*:\s*\S|!\[[^\]]*\]\(", re.IGNORECASE)
_SHOWN = "\n\t\r"
_SHORT_NAME = 3


def reads_as_instruction(text: str) -> bool:
    """Whether a text tells its reader what to do outside the task at hand, as injected text does."""
    return gives_orders(unicodedata.normalize("NFKC", text))


def is_hidden(char: str) -> bool:
    """Whether a character shows nothing or turns the direction of text."""
    return char not in _SHOWN and (unicodedata.category(char) in {"Cc", "Cf", "Co", "Cn"} or char in "ᅟᅠㅤﾠ͏⠀")


def objection_to(text: str, names: Collection[str] = ()) -> str:
    """Say why a text may not be repeated (`instruction`, `invisible`, `secret`, `personal`, `link`), or ''.

    `names` are those of principals: who they are is nobody's lesson.
    """
    if any(is_hidden(char) for char in text):
        return "invisible"
    if reads_as_instruction(text):
        return "instruction"
    if _secrets(text):
        return "secret"
    lowered = text.lower()
    if _PERSONAL.search(text) or any(_stands_in(name, lowered) for name in names):
        return "personal"
    return "link" if _LINK.search(text) else ""


def _stands_in(name: str, lowered: str) -> bool:
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", lowered) for form in _forms(name))


def _forms(name: str) -> set[str]:
    words = name.lower().replace("_", " ").replace("-", " ").strip()
    return {name.lower(), words} if len(words) > _SHORT_NAME else set()


def without_private(text: str, names: Collection[str] = ()) -> str:
    """Return the longest stretch of a text that holds no secret, no personal data and nothing hidden; '' where none has
    at least two words. A text that gives orders stays whole: it must be seen for what it is.
    """
    if not _spans(text, names):
        return text
    pieces = [piece.strip(_BETWEEN_WORDS + ":=-") for piece in _between(text, _spans(text, names))]
    fit = [piece for piece in pieces if len(piece.split()) > 1 and not _spans(piece, names)]
    return max(fit, key=len, default="")


def with_secrets_masked(text: str, mask: str) -> str:
    """Return the text with every secret in it replaced by `mask`."""
    text = _SECRET.sub(lambda found: found[0] if _is_about_a_secret(found) else mask, text)
    text = _PASSWORD.sub(mask, text)
    return _KEY.sub(lambda found: mask if _is_key(found[0]) else found[0], text)


def _is_about_a_secret(found: re.Match[str]) -> bool:
    """Whether words follow the name of a secret, and not the secret: `token is expired`, `token: must not be empty`."""
    words = found[0].rstrip(".,;:!").split()
    said = len(words) > 1 and words[-1].isalpha() and words[-1].islower()
    return said and (words[-2].lower() == "is" or found.string[found.end() :].lstrip()[:1].isalpha())


def holds_private(text: str) -> bool:
    """Whether a secret or personal data stands in a text."""
    return bool(_secrets(text) or _PERSONAL.search(text))


def _secrets(text: str) -> list[tuple[int, int]]:
    found = [secret.span() for pattern in (_SECRET, _PASSWORD) for secret in pattern.finditer(text)]
    return found + [key.span() for key in _KEY.finditer(text) if _is_key(key[0])]


def _between(text: str, spans: list[tuple[int, int]]) -> Iterator[str]:
    start = 0
    for begin, end in sorted(spans):
        yield text[start : max(start, begin)]
        start = max(start, end)
    yield text[start:]


def _spans(text: str, names: Collection[str]) -> list[tuple[int, int]]:
    """Return the whole words around secrets, personal data, links and what is hidden."""
    words = _secrets(text) + [found.span() for pattern in (_PERSONAL, _LINK) for found in pattern.finditer(text)]
    words += [(at, at + 1) for at, char in enumerate(text) if is_hidden(char)]
    for form in {form for name in names for form in _forms(name)}:
        words += [found.span() for found in re.finditer(rf"(?<!\w){re.escape(form)}(?!\w)", text, re.IGNORECASE)]
    return [_whole(text, *span) for span in words]


def _whole(text: str, begin: int, end: int) -> tuple[int, int]:
    """Widen a span to the ends of its words."""
    while begin and text[begin - 1] not in _BETWEEN_WORDS:
        begin -= 1
    while end < len(text) and text[end] not in _BETWEEN_WORDS:
        end += 1
    return begin, end


def _is_key(word: str) -> bool:
    """Whether chance wrote a word, or a long piece of it: `lantern-RTWmKKB7x`."""
    return any(map(_is_by_chance, [word, *(piece for piece in _JOINS.split(word) if len(piece) >= _KEY_PIECE)]))


def _is_by_chance(word: str) -> bool:
    if word.islower() or word.isupper() or word.isalpha():
        return False
    kinds = [next((number for test, number in _CLASSES if test(char)), 0) for char in word.rstrip("=")]
    turns = sum(one != two for one, two in pairwise(kinds))
    return {1, 2, 3} <= set(kinds) and turns >= _KEY_TURNS * len(kinds)
