"""What a call asks of a service behind one tool for all: the verb and path of a request, or the operation that it names."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

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


def _path(value: str) -> str:
    address = _ADDRESS.fullmatch(value)
    if not address:
        return ""
    parts = [part for part in address[1].split("/") if part]
    return "/" + "/".join(part if _OWN.fullmatch(part) or _VERSION.fullmatch(part) else "<id>" for part in parts)
