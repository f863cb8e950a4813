"""What a call asks of a service behind one tool for all: the verb and path of a request, or the operation that it names."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

_VERBS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
_ADDRESS = re.compile(r"(?:[a-z][a-z+.-]*://[^/\s]+)?(/[^\s?#]*)(?:[?#]\S*)?", re.IGNORECASE)
_VERSION = re.compile(r"v\d{1,2}", re.IGNORECASE)
_OWN = re.compile(r"[a-z]+(?:[-_.:]?[a-z]+)*", re.IGNORECASE)
_OPERATIONS = ("operation", "operationName", "operation_name", "op", "action", "method")
_IDENTIFIER = re.compile(r"[A-Za-z][\w./:-]{2,60}")
_LONGEST = 100


class Asked(NamedTuple):
    """The verb and path of a request, or the name of an operation; '' for neither."""

    text: str
    is_request: bool


def asked_for(arguments: dict[str, Any]) -> Asked:
    """Return what a call asks for, ids in a path as `<id>`."""
    texts = {name: value.strip() for name, value in arguments.items() if isinstance(value, str)}
    verb = next((value.upper() for value in texts.values() if value.upper() in _VERBS), "")
    if verb:
        path = next((found for value in texts.values() if (found := _path(value))), "")
        return Asked(f"{verb} {path}"[:_LONGEST] if path else "", bool(path))
    return Asked(next((texts[name] for name in _OPERATIONS if _IDENTIFIER.fullmatch(texts.get(name, ""))), ""), False)


def given_in(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what is given with a request: the ids in its path, its query, and the fields of its body."""
    found: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, dict):
            found |= value
        elif not isinstance(value, str) or not (address := _ADDRESS.fullmatch(value.strip())):
            found[name] = value
        else:
            parts = [part for part in address[1].split("/") if part]
            found |= {before: part for before, part in pairwise(parts) if _is_own(before) and not _is_own(part)}
            found |= dict(parse_qsl(urlsplit(value.strip()).query))
    return {name: value for name, value in found.items() if str(value).upper() not in _VERBS}


def _is_own(part: str) -> bool:
    """Whether a part of a path is the service's own word, and no id."""
    return bool(_OWN.fullmatch(part) or _VERSION.fullmatch(part))


def _path(value: str) -> str:
    address = _ADDRESS.fullmatch(value)
    if not address:
        return ""
    parts = [part for part in address[1].split("/") if part]
    return "/" + "/".join(part if _is_own(part) else "<id>" for part in parts)
