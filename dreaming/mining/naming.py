"""What a step of a session is called: its tool, and for a command or a statement ever more of its leading words.

A tool that takes one text, such as a shell or a database, does something else with each program. Which of its words
name the step and which are its matter shows only over many sessions, so a step carries one name for each length. A
question to a database is named by what it is asked of; a request to a service by verb and path. A call with switches on
is a step of its tool, and one of its own: only over many sessions it shows whether the switch matters.
"""

from __future__ import annotations

import re

from dreaming.mining.calls import Call, arguments_of
from dreaming.mining.changes import signature
from dreaming.mining.commands import program
from dreaming.mining.requests import asked_for
from dreaming.mining.templates import tool_family

_COMMANDS = ("command", "cmd", "script", "query", "sql", "statement", "input")
_MOST_WORDS = 3
_LONGEST = 40
_PLAIN = re.compile(r"[A-Za-z][A-Za-z_.:-]*[A-Za-z]|[A-Za-z]{2,}")
_ASKED = re.compile(r"""\s*(?:SELECT|WITH)\b.*?\bFROM\s+["`\[]?([A-Za-z_][\w.$]*)""", re.DOTALL | re.IGNORECASE)
_OPENED = re.compile(r"\(.*", re.DOTALL)


def names_of(call: Call) -> list[str]:
    """Return the names of a step, the shortest first."""
    text = _command(call)
    words = leading_words(text) if text else []
    if not words:
        plain, asked = signature(call), asked_for(call.arguments)
        names = [plain] if call.shell else [*dict.fromkeys((tool_family(call.tool), plain))]
        return [*names, f"{tool_family(call.tool)}: {asked.text}"] if asked.text else names
    start = f"{tool_family(call.shell or call.tool)}: {words[0]}"
    return [" ".join([start, *words[1:length]]) for length in range(1, len(words) + 1)]


def _command(call: Call) -> str:
    given = arguments_of(call.input)
    for name in _COMMANDS:
        value = given.get(name)
        if isinstance(value, str) and len(value.split()) > 1:
            return value
    return ""


def leading_words(command: str) -> list[str]:
    """Return up to three plain words at the start of a command or statement; options and their values are left out."""
    if asked := _ASKED.match(command):
        return ["SELECT", f"FROM {asked[1]}"]
    ran = program(command)
    if not ran:
        return []
    head = re.split(r"<<|\n", command.strip(), maxsplit=1)[0]
    segment = next((part for part in re.split(r"&&|\|\|?|;", head) if ran.split()[0] in part), head)
    words = [word for word in segment.split() if not re.match(r"\w+=", word)]
    found = [ran]
    skipped = False
    for word in words[len(ran.split()) :]:
        option, after, skipped = word.startswith("-"), skipped, word.startswith("-") and "=" not in word
        bare = _OPENED.sub("", word).strip(",;'\"`")
        if option or after:
            continue
        if len(found) == _MOST_WORDS or len(bare) > _LONGEST or not _PLAIN.fullmatch(bare):
            break
        found.append(bare)
        if bare != word.strip(",;'\"`"):
            break
    return found
