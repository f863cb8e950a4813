"""What makes a text suspicious: secrets, hidden characters, and words that try to give orders.

A flag never removes anything: it is shown, it keeps the proposal from policies, and a person decides.
"""

import re
import unicodedata

from sessions.injection import gives_orders
from sessions.redaction import redact

SECRET = "secret"  # noqa: S105  (a flag's name)
INVISIBLE = "invisible_characters"
INJECTION = "injection"
LOOKALIKES = "lookalikes"
LINK = "link"
CONTACT = "contact"
COMMAND = "command"
REPLACES_HUMAN_TEXT = "replaces_human_text"
DELETES = "deletes"
REMOVED_BEFORE = "removed_before"
REJECTED_BEFORE = "rejected_before"
UNSUPPORTED = "unsupported"
MODEL_JUDGED = "model_judged"

EXPLANATIONS = {
    SECRET: "Something that looks like a key, password or card number stands in the text.",
    INVISIBLE: "Characters that cannot be seen, or that turn the direction of text, stand in it. They are shown as boxes.",
    INJECTION: "The text speaks to the agent about its instructions, tools or reviewers. Transcripts can plant such sentences.",
    LOOKALIKES: "Words mix letters of several alphabets that look alike, such as a Cyrillic а among Latin letters.",
    LINK: "The text points at an address outside. Agents that follow it leave what was reviewed.",
    CONTACT: "An e-mail address, a telephone or an account number stands in the text. Agents may copy it into what they send.",
    COMMAND: "The text has a command that runs what it downloads or decodes, unseen.",
    REPLACES_HUMAN_TEXT: "It overwrites text that a person wrote or edited.",
    REMOVED_BEFORE: "Agents read this once, and a decision took it out. Look at why before it comes back.",
    REJECTED_BEFORE: "A reviewer rejected it, and a person brought it back. Look at why it was rejected.",
    UNSUPPORTED: "No event was found that says this. The text comes from elsewhere; nothing here proves it.",
    MODEL_JUDGED: "A model, not a count, says that these sessions show the same thing. Read the quotes before you believe it.",
    DELETES: "It removes a memory that agents read now.",
}

# A host without a scheme counts where its end is no file's and no attribute's: `src/app.py`, `os.path`, `log.info`.
_LINK = re.compile(
    r"""
    \b(?:https?|ftp|data|javascript)\s*:\s*\S | \b[a-z][a-z0-9+.-]{0,20}://\S | \bmailto:
  | !\[[^\]\n]{0,300}\]\s?[(\[]
  | (?<![\w/:])//[a-z0-9-]+(?:\.[a-z0-9-]+)*(?:/\S|\.[a-z]{2,24}\b)
  | \bwww\d?\.[\w-]+\.\w
  | (?<![\w./@\\-])(?:[a-z0-9-]{1,63}\.){1,5}
    (?:(?:com|org|net|edu|gov)\b(?![\w(=-]|\.\w)
      |(?:com|org|net|info|biz|xyz|top|online|site|club|io|dev|app|ai|co|me|ru|cn|de|uk|eu|fr|nl|ch|in|jp|br|to|gg|link
        |page|cloud|tech|store|shop)(?::\d+)?/\w)
    """,
    re.IGNORECASE | re.VERBOSE,
)
_CONTACT = re.compile(
    r"""
    (?<![\w.+-])[\w.+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,5}[A-Za-z]{2,24}\b
  | (?<![\w/.+-])\+\d{1,3}[ ().-]{0,2}\d(?:[ ().-]{0,2}\d){6,12}(?![\w-])
  | (?<![\w/.+-])(?:\(\d{3}\)[ ]?|\d{3}[ .-])\d{3}[ .-]\d{4}(?![\w-])
  | (?<![\w/.+-])\d{3}-\d{2}-\d{4}(?![\w-])
  | (?<![\w/.+-])[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?(?![\w-])
    """,
    re.VERBOSE,
)
_FETCH = r"\b(?:curl|wget|iwr|irm|invoke-webrequest|base64\s+(?:-d|--decode))\b"
_SHELL = (
    r"(?:sudo\s+(?:-\S+\s+)*)?(?:\S{0,40}/)?"
    r"(?:(?:ba|z|da|k|fi|c)?sh|python[\d.]*(?!\s+-m\s+json)|perl|ruby|node|php|iex)\b"
)
_COMMAND = re.compile(
    rf"{_FETCH}.{{0,300}}?\|\s*{_SHELL}"
    rf"|\b(?:(?:ba|z|da|k|fi)?sh|eval|source|iex)\b[^\n]{{0,40}}?[<$]?\(\s*{_FETCH}",
    re.IGNORECASE | re.DOTALL,
)
_WORD = re.compile(r"[^\W\d_]{2,}")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f\u1e00-\u1eff]")
# Cyrillic, Armenian, Cherokee, Coptic and Lisu, and two phonetic letters.
_FOREIGN = re.compile(r"[\u0400-\u058f\u13a0-\u13ff\u2c80-\u2cff\ua4d0-\ua4ff\ua640-\ua69f\uab70-\uabbf\u0251\u0261]")
# Of Greek only what passes for Latin, and not in pairs: Δt, μs and kΩ are terms and units.
_GREEK = re.compile("[ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορτυχ]")
_AS_LATIN = {
    ord(alike): latin
    for latin, others in {
        "a": "аАαΑɑ",
        "b": "ВΒ",
        "c": "сС",
        "d": "ԁ",
        "e": "еЕΕ",
        "g": "ɡ",
        "h": "һНΗ",
        "i": "іІιΙ",
        "j": "јЈ",
        "k": "кКκΚ",
        "l": "ӏ",
        "m": "МΜ",
        "n": "Ν",
        "o": "оОοΟ",
        "p": "рРρΡ",
        "q": "ԛ",
        "s": "ѕЅ",
        "t": "ТΤт",
        "u": "υ",
        "v": "ν",
        "w": "ԝ",
        "x": "хХχΧ",
        "y": "уУΥ",
        "z": "Ζ",
    }.items()
    for alike in others
}
_PATTERNS = ((LINK, _LINK), (CONTACT, _CONTACT), (COMMAND, _COMMAND))
_VISIBLE_CONTROLS = "\n\t\r"


def is_hidden(char: str) -> bool:
    """Whether a character shows nothing: controls, zero-width, direction and tag characters, odd fillers."""
    if char in _VISIBLE_CONTROLS:
        return False
    return unicodedata.category(char) in ("Cc", "Cf", "Co", "Cn") or char in "\u115f\u1160\u3164\uffa0\u034f\u2800"


def has_hidden_characters(text: str) -> bool:
    """Hidden characters, but for the joiners without which emoji, Persian and Hindi break."""
    for index, char in enumerate(text):
        if is_hidden(char) and not (char in "\u200c\u200d" and _joins_letters(text, index)):
            return True
    return any(0xFE00 <= ord(c) <= 0xFE0E or 0xE0100 <= ord(c) <= 0xE01EF for c in text)


def _joins_letters(text: str, index: int) -> bool:
    around = text[max(0, index - 1) : index] + text[index + 1 : index + 2]
    return len(around) == 2 and all(ord(char) > 0x2FF and not is_hidden(char) for char in around)


def has_lookalikes(text: str) -> bool:
    """Whether a word mixes Latin letters with ones of another alphabet that pass for them."""
    return not text.isascii() and any(_mixes(word) for word in _WORD.findall(text))


def _mixes(word: str) -> bool:
    if word.isascii() or not _LATIN.search(word):
        return False
    return bool(_FOREIGN.search(word) or (len(word) > 2 and _GREEK.search(word)))


def scan(*texts: str) -> list[str]:
    """The sorted flags of the given texts taken together; empty when nothing is suspicious."""
    flags = set()
    for text in texts:
        folded = unicodedata.normalize("NFKC", "".join(char for char in text if not is_hidden(char)))
        if redact(text)[1] or redact(folded)[1]:
            flags.add(SECRET)
        if has_hidden_characters(text):
            flags.add(INVISIBLE)
        if has_lookalikes(folded):
            flags.add(LOOKALIKES)
        # Hidden characters are out and look-alikes folded, so that neither lets a sentence slip past.
        latin = folded.translate(_AS_LATIN)
        if gives_orders(latin):
            flags.add(INJECTION)
        flags |= {flag for flag, pattern in _PATTERNS if pattern.search(latin)}
    return sorted(flags)
