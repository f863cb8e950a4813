"""How a finding's tool, error and names are told: as code, withheld where they read as an instruction."""

from __future__ import annotations

import re

from dreaming.mining.hostile import objection_to, reads_as_instruction
from dreaming.mining.phrases import code, slug
from dreaming.mining.values import Finding

_MESSAGE_LIMIT = 110
_WORDINGS = 3


def tool_of(finding: Finding) -> str:
    return code(finding.tool) if finding.tool else "a tool"


def message_of(finding: Finding) -> str:
    """The finding's templated error as code; withheld where it reads as an instruction."""
    if reads_as_instruction(finding.template):
        return "an error whose wording is withheld"
    first = re.split(r"(?<=[^\s.]{3})\. ", finding.template)[0]
    return code(first if len(first) >= 20 else finding.template, _MESSAGE_LIMIT)


def other_wordings(finding: Finding) -> str:
    """Up to three other wordings of the finding's error or wish as code; '' where there are none to be repeated."""
    fit = [text for text in finding.variants if not objection_to(text)]
    return ", ".join(code(text, _MESSAGE_LIMIT) for text in fit[:_WORDINGS])


def names_told(names: list[str]) -> str:
    quoted = [code(name) for name in names[:4]]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def refused_with(finding: Finding) -> str:
    return f"it is refused with {message_of(finding)}."


def avoid_slug(finding: Finding) -> str:
    if reads_as_instruction(finding.template):
        return f"after-error-{finding.claim_key[-8:]}"
    return f"after-{slug(finding.template)[:48].strip('-')}"
