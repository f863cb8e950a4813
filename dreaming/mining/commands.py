"""Commands: a line for a shell, or a statement for a database, as the name of a step and its arguments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from dreaming.mining.templates import tool_family

_SHELLS = frozenset(
    {"bash", "sh", "zsh", "shell", "terminal", "exec", "execute", "console", "cmd", "powershell", "run"}
)
_COMMAND_ARGUMENTS = frozenset({"command", "cmd", "commands", "script", "shell_command", "bash_command"})
_STATEMENT = re.compile(
    r"\s*(?:select|insert|update|delete|merge|create|alter|drop|truncate|call|grant|revoke|explain|describe|show"
    r"|analyze|with|copy|use|refresh|vacuum)\s+\S",
    re.IGNORECASE,
)
_STATEMENT_ARGUMENTS = frozenset({"sql", "statement", "query", "input"})
_MANY_STEPS = re.compile(r"\n|<<|&&|;|\|\||[<>]|\|\s*(?!head\b|tail\b)|\$\(|`")
_WORD = re.compile(r"""(?:[^\s"']|"[^"]*"|'[^']*')+""")
_SUBCOMMAND = re.compile(r"[a-z]+(?:[-_][a-z]+)*")
_SUBCOMMANDS = 2
_LITERAL = re.compile(r"'[^']*'|--[^\n]*|\b\d+(?:\.\d+)?\b")
_NAME = re.compile(r"""(?:"[^"\s]+"|[A-Za-z_][\w$]*)(?:\.(?:"[^"\s]+"|[A-Za-z_][\w$]*))*""")
_EQUAL = re.compile(rf"({_NAME.pattern})\s*=\s*('[^']*'|\d[\w.]*)")
_INTERPRETERS = frozenset({"python", "node", "ruby", "perl", "bash", "sh", "uv", "npx", "sudo", "env"})
_READERS = frozenset(
    [
        "ls",
        "nl",
        "git",
        "cat",
        "grep",
        "egrep",
        "rg",
        "find",
        "fd",
        "head",
        "tail",
        "sed",
        "awk",
        "pwd",
        "which",
        "type",
        "whereis",
        "echo",
        "printf",
        "wc",
        "file",
        "stat",
        "tree",
        "less",
        "more",
        "diff",
        "sort",
        "uniq",
        "cut",
        "tr",
        "env",
        "date",
        "whoami",
        "id",
        "uname",
        "df",
        "du",
        "ps",
        "mkdir",
        "touch",
        "chmod",
        "cp",
        "mv",
        "rm",
        "ln",
        "tee",
        "test",
        "[",
    ]
)


def program(command: str) -> str:
    """Return the program of a shell command without options or files: `python -m pytest`, `bin/test`."""
    head = re.split(r"<<|\n", command.strip(), maxsplit=1)[0]
    segments = [part.strip() for part in re.split(r"&&|\|\|?|;", head) if part.strip()]
    segments = [part for part in segments if not re.match(r"(?:cd|export|source|set|\.)\s|\w+=\S*$", part)] or segments
    words = [word for word in (segments[0].split() if segments else []) if not re.match(r"\w+=", word)]
    if not words:
        return ""
    name, rest = _bare(words[0]), words[1:]
    if name not in _INTERPRETERS or not rest:
        return name
    if rest[0] == "-m" and len(rest) > 1:
        return f"{name} -m {rest[1][:40]}"
    target = next((word for word in rest if not word.startswith("-")), "")
    return f"{name} {_bare(target) if '/' in target else '<file>' * ('.' in target)}".strip()


def _bare(word: str) -> str:
    """A program's name: relative paths are kept, absolute ones and versions of the interpreter are not."""
    path = word.rsplit("/", 1)[-1] if word.startswith(("/", "~")) else word.removeprefix("./")
    return re.sub(r"^(python|pip)[\d.]+$", r"\1", path)[:60]


@dataclass(frozen=True, slots=True)
class Command:
    """What a call runs: `name` is '' where that only looks around, `arguments` are None where it takes many steps."""

    name: str
    arguments: dict[str, Any] | None


def command_of(tool: str, arguments: dict[str, Any]) -> Command | None:
    """Return the command that a call gives to a shell or a database, None where it gives none."""
    for name, text in sorted(arguments.items()):
        if not isinstance(text, str) or not text.strip():
            continue
        if name in _STATEMENT_ARGUMENTS and _STATEMENT.match(text) and _is_statement(text, name):
            others = {other: value for other, value in arguments.items() if other != name}
            return Command(_statement_name(text), others | _names_in(text))
        if name in _COMMAND_ARGUMENTS or (name == "input" and tool_family(tool) in _SHELLS):
            others = {other: value for other, value in arguments.items() if other != name}
            return _shell_command(text, others)
    return None


def _shell_command(text: str, others: dict[str, Any]) -> Command:
    ran = program(text)
    if not ran or ran in _READERS:
        return Command("", None)
    if _MANY_STEPS.search(text):
        return Command(ran, None)
    words = _WORD.findall(re.split(r"\|", text, maxsplit=1)[0])
    options, plain = _options(words[1:])
    subcommands: list[str] = []
    if ran.split()[0] not in _INTERPRETERS:
        for word in plain[:_SUBCOMMANDS]:
            if not _SUBCOMMAND.fullmatch(word):
                break
            subcommands.append(word)
    given = " ".join(plain[len(subcommands) :])
    return Command(" ".join([ran, *subcommands]), others | options | ({"input": given} if given else {}))


def _options(words: list[str]) -> tuple[dict[str, Any], list[str]]:
    """Split words into options, each with the word after it or True, and the rest."""
    found: dict[str, Any] = {}
    plain: list[str] = []
    taken = False
    for word, after in pairwise([*words, ""]):
        if taken:
            taken = False
        elif re.match(r"--?[a-zA-Z]", word):
            name, equals, value = word.partition("=")
            taken = not equals and bool(after) and not re.match(r"--?[a-zA-Z]", after)
            found[name] = value if equals else after if taken else True
        else:
            plain.append(word)
    return found, plain


def _is_statement(text: str, name: str) -> bool:
    return name in {"sql", "statement"} or text.split(maxsplit=1)[0].isupper()


def _statement_name(text: str) -> str:
    """Return a statement's verb with the words in capitals after it, or the procedure that it calls."""
    words = text.split()
    if words[0].upper() == "CALL":
        return f"CALL {words[1].partition('(')[0]}"
    named = [words[0].upper()]
    for word in words[1:_SUBCOMMANDS]:
        if not (word.isalpha() and word.isupper()):
            break
        named.append(word)
    return " ".join(named)


def _names_in(text: str) -> dict[str, Any]:
    """Return the names in a statement, each with what it is set equal to, or True."""
    equal = dict(_EQUAL.findall(text))
    plain = _LITERAL.sub(" ", text)
    names = [name for name in _NAME.findall(plain) if not name.isupper()]
    return {name: equal.get(name, True) for name in names[:30]}
