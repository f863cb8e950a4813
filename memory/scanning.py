"""What makes a text suspicious: secrets, hidden characters, and words that try to give orders.

A flag never removes anything: it is shown, it keeps the proposal from policies, and a person decides.
"""

import re
import unicodedata

from sessions.redaction import redact

SECRET = "secret"  # noqa: S105  (a flag's name)
INVISIBLE = "invisible_characters"
INJECTION = "injection"
LINK = "link"
REPLACES_HUMAN_TEXT = "replaces_human_text"
DELETES = "deletes"
REMOVED_BEFORE = "removed_before"
UNSUPPORTED = "unsupported"
MODEL_JUDGED = "model_judged"

EXPLANATIONS = {
    SECRET: "Something that looks like a key, password or card number stands in the text.",
    INVISIBLE: "Characters that cannot be seen, or that turn the direction of text, stand in it. They are shown as boxes.",
    INJECTION: "The text speaks to the agent about its instructions, tools or reviewers. Transcripts can plant such sentences.",
    LINK: "The text points at an address outside. Agents that follow it leave what was reviewed.",
    REPLACES_HUMAN_TEXT: "It overwrites text that a person wrote or edited.",
    REMOVED_BEFORE: "Agents read this once, and a decision took it out. Look at why before it comes back.",
    UNSUPPORTED: "No event was found that says this. The text comes from elsewhere; nothing here proves it.",
    MODEL_JUDGED: "A model, not a count, says that these sessions show the same thing. Read the quotes before you believe it.",
    DELETES: "It removes a memory that agents read now.",
}

# Phrases that address a model rather than describe a task. They work on the text with hidden characters removed
# and compatibility forms folded, so that look-alikes of the same letters do not slip past.
_ORDERS = re.compile(
    r"""
    \b(?:ignore|disregard|forget|override|bypass)\b.{0,40}\b(?:previous|prior|above|earlier|all|any|your|the)\b
        .{0,40}\b(?:instructions?|rules?|polic(?:y|ies)|prompts?|guidelines?|guardrails?|memor(?:y|ies))\b
  | \b(?:system|developer)\s+(?:prompt|message)\b
  | \byou\s+are\s+now\b | \bnew\s+instructions?\s*: | \bact\s+as\s+(?:if|an?\b)
  | \bdo\s+not\s+(?:tell|inform|mention|reveal|show)\b.{0,40}\b(?:user|human|reviewer|anyone|operator)\b
  | \b(?:approve|accept)\b.{0,30}\b(?:this|the|every|all|any)\b.{0,20}\b(?:proposals?|chang(?:e|es)|memor(?:y|ies)|requests?)\b
  | \b(?:without|no\s+need\s+for|skip(?:ping)?)\b.{0,30}\b(?:review|approval|confirmation|verification|consent|authori[sz]ation)\b
  | \b(?:disable|turn\s+off|switch\s+off)\b.{0,30}\b(?:safety|logging|audit\w*|monitoring|checks?|filters?)\b
  | \b(?:exfiltrate|jailbreak)\b
  | \b(?:send|forward|post|upload|e-?mail|leak)\b.{0,60}\b(?:credentials?|passwords?|secrets?|api\s+keys?|tokens?|customer\s+data)\b
  | </?(?:system|instructions?|assistant|tool_call|im_start|im_end)\b | <\|[a-z_]+\|> | \[/?INST\]
    """,
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
_LINK = re.compile(r"\b(?:https?|ftp|data|javascript)\s*:\s*[^\s]|!\[[^\]]*\]\(", re.IGNORECASE)
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


def scan(*texts: str) -> list[str]:
    """The sorted flags of the given texts taken together; empty when nothing is suspicious."""
    flags = set()
    for text in texts:
        folded = unicodedata.normalize("NFKC", "".join(char for char in text if not is_hidden(char)))
        if redact(text)[1] or redact(folded)[1]:
            flags.add(SECRET)
        if has_hidden_characters(text):
            flags.add(INVISIBLE)
        if _ORDERS.search(folded):
            flags.add(INJECTION)
        if _LINK.search(folded):
            flags.add(LINK)
    return sorted(flags)
