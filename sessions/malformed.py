"""Why a line is no JSON that can be kept, and where. Pure; only run on lines that were refused."""

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

MAX_DEPTH = 100
TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels; flatten it, or send that part as text"

NUL = re.compile("\0").search
SURROGATE = re.compile("[\ud800-\udfff]").search


class _NoNumberError(ValueError):
    """NaN, Infinity or -Infinity."""


def why_not_json(line: bytes, error: Exception) -> str:
    """Say where and why, which msgspec (whose `error` this is) does not in every case."""
    if not line.strip():
        return "empty; send a JSON object"
    try:
        text = line.decode()
    except UnicodeDecodeError as broken:
        return f"not UTF-8 at byte {broken.start} (0x{line[broken.start]:02x}); save it as UTF-8"
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except _NoNumberError as constant:
        return f"not JSON: {constant} is no JSON number; send null, or a string"
    except RecursionError:
        return TOO_DEEP
    except json.JSONDecodeError as broken:
        return _broken_json(text, broken)
    except ValueError:
        return "holds an integer of more than 4,300 digits; send it as a string"
    if path := find(value, "", SURROGATE):
        return f"{path}: holds half of a surrogate pair, which no text can keep; replace it and send the session again"
    if "out of range" in str(error):
        return "holds a number beyond the range of a 64-bit float; send it as a string"
    return f"not JSON: {error}"


def _broken_json(text: str, broken: json.JSONDecodeError) -> str:
    at = len(text[: broken.pos].encode())
    unterminated = broken.msg.startswith("Unterminated string")
    if unterminated or not text[broken.pos :].strip():
        return f"not JSON: it breaks off at byte {len(text.encode())}; send the whole session again"
    if broken.msg == "Extra data":
        return f"not JSON: a second value begins at byte {at}; send one session a line"
    return f"not JSON at byte {at}: {broken.msg[0].lower()}{broken.msg[1:]}"


def _refuse_constant(name: str) -> NoReturn:
    raise _NoNumberError(name)


def find(value: Any, path: str, wanted: Callable[[str], object]) -> str:
    """Where a text that `wanted` accepts stands in the keys or strings of `value`; "" when nowhere."""
    stack = [(value, path)]
    while stack:
        item, where = stack.pop()
        if type(item) is str and wanted(item):
            return where
        if type(item) is dict:
            if any(wanted(key) for key in item):
                return f"a key of {where or 'the session'}"
            stack.extend((child, f"{where}.{key}" if where else key) for key, child in item.items())
        elif type(item) is list:
            stack.extend((child, f"{where}[{index}]") for index, child in enumerate(item))
    return ""
