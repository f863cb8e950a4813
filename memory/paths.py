"""Where a memory may live, and how large it may be."""

import re

from memory.models import MAX_CONTENT_BYTES

_PATH = re.compile(r"(?:/[A-Za-z0-9][A-Za-z0-9._-]*)+\Z")


class InvalidMemory(ValueError):
    """A path or a text that no store takes; the message says why and what to do."""


def check_path(path: str) -> None:
    """Raise `InvalidMemory` unless `path` is `/segment/…`, at most 255 characters."""
    if len(path) > 255:
        raise InvalidMemory(f"The path has {len(path)} characters; 255 are allowed.")
    if not _PATH.match(path):
        raise InvalidMemory(
            f"{path!r} is not a path: begin with / and use letters, digits, dots, dashes and underscores,"
            " each part beginning with a letter or digit, such as /tools/export.md."
        )


def check_content(content: str) -> None:
    """Raise `InvalidMemory` unless the text can be stored: not blank, no NUL, at most 102,400 bytes of UTF-8."""
    if not content.strip():
        raise InvalidMemory("The text is empty. To remove a memory, propose a delete.")
    if "\x00" in content:
        raise InvalidMemory("The text has a NUL character, which cannot be stored. Remove it.")
    try:
        size = len(content.encode())
    except UnicodeEncodeError as error:
        raise InvalidMemory(
            f"The text has half a character (a lone surrogate) at position {error.start}. Replace it."
        ) from error
    if size > MAX_CONTENT_BYTES:
        raise InvalidMemory(
            f"The text has {size:,} bytes; {MAX_CONTENT_BYTES:,} are allowed. Split it over several paths."
        )
