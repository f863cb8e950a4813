"""What must not get from a transcript into a memory: orders, secrets, personal data, what cannot be seen."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection

_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.{0,60}"
    r"\b(?:instructions?|previous|prior|above|rules?|prompts?|polic(?:y|ies)|guidelines?|guardrails?|memor(?:y|ies))\b"
    r"|\b(?:system|developer) (?:prompt|message)\b|\byou are now\b|\bnew instructions?\s*:|\bact as (?:if|an?)\b"
    r"|\bdo not (?:tell|inform|mention|reveal|show)\b.{0,40}\b(?:user|human|reviewer|anyone|operator)"
    r"|\bdo not (?:tell|inform|mention)\b"
    r"|\b(?:approve|accept)\b.{0,30}\b(?:this|the|every|all|any)\b.{0,20}"
    r"\b(?:proposals?|changes?|memor(?:y|ies)|requests?|claims?)\b"
    r"|\b(?:without|no need for|skip(?:ping)?)\b.{0,30}\b(?:review|approval|confirmation|verification|authori[sz]ation)"
    r"|\b(?:disable|turn off|switch off)\b.{0,30}\b(?:safety|logging|audit\w*|monitoring|filters?)\b"
    r"|\b(?:exfiltrate|jailbreak)\b"
    r"|\b(?:send|e-?mail|post|forward|upload|reveal|share|leak|give)\b.{0,60}"
    r"(?:<url>|<email>|https?:|\b[\w.+-]+@[\w-]+\.|\b(?:passwords?|secrets?|tokens?|credentials?|api.?keys?)\b)"
    r"|</?(?:system|instructions?|assistant|tool_call|im_start|im_end)\b|<\|[a-z_]+\|>|\[/?inst\]",
    re.IGNORECASE | re.DOTALL,
)
_SECRET = re.compile(
    r"\b(?:sk|pk|ghp|gho|xox[abp]|akia|asia|eyj)[-_]?[A-Za-z0-9_\-]{12,}"
    r"|-----BEGIN|\b(?:password|passwd|secret|token|api[_ -]?key|bearer|pwd)\b\s*(?:[:=]|is)\s*\S{4,}"
    r"|\b(?:\d[ -]?){13,19}\b|\b(?=[A-Za-z0-9+/_-]*\d)(?=[A-Za-z0-9+/_-]*[A-Z])(?=[A-Za-z0-9+/_-]*[a-z])"
    r"[A-Za-z0-9+/_-]{28,}\b",
    re.IGNORECASE,
)
_PERSONAL = re.compile(
    r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"
    r"|(?<![\w/.-])\+?\(?\d{2,4}\)?[ /.-]\(?\d{2,4}\)?[ /.-]?\d{3,}(?:[ .-]\d{2,5})*(?![\w/-])"
    r"|\b\d{3}-\d{2}-\d{4}\b|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}\b"
)
_LINK = re.compile(r"\b(?:https?|ftp|data|javascript)\s*:\s*\S|!\[[^\]]*\]\(", re.IGNORECASE)
_SHOWN = "\n\t\r"


def reads_as_instruction(text: str) -> bool:
    """Whether a text tells its reader what to do outside the task at hand, as injected text does."""
    return bool(_ORDERS.search(unicodedata.normalize("NFKC", text)))


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
    if _SECRET.search(text):
        return "secret"
    lowered = text.lower()
    if _PERSONAL.search(text) or any(_stands_in(name, lowered) for name in names):
        return "personal"
    return "link" if _LINK.search(text) else ""


def _stands_in(name: str, lowered: str) -> bool:
    words = name.lower().replace("_", " ").replace("-", " ").strip()
    if len(words) < 4:
        return False
    return any(re.search(rf"(?<!\w){re.escape(form)}(?!\w)", lowered) for form in {name.lower(), words})
