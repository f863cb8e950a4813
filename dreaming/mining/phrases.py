"""The parts that wording is made of: cleaned text, quoted names, path segments."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

NAME_LIMIT = 60


@dataclass(frozen=True, slots=True)
class Advice:
    """The parts of a lesson; `slug` and `claim` must not hold numbers, so that they stay across passes."""

    slug: str
    claim: str
    when: str
    do: str
    dont: str
    example: str


def clean(text: str, limit: int) -> str:
    """Take out what can hide or break out: control and invisible characters, line breaks; cut at `limit`."""
    kept = "".join(char for char in text if unicodedata.category(char)[0] != "C" or char in "\n\t")
    kept = " ".join(kept.split())
    return kept if len(kept) <= limit else kept[: limit - 1].rstrip() + "…"


def code(text: str, limit: int = NAME_LIMIT) -> str:
    """Quote text of a transcript so that Markdown shows it and nothing in it acts."""
    return f"`{clean(text.replace('`', ''), limit) or '?'}`"


def slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-")
