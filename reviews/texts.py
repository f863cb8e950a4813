"""The text of a version, wherever a page shows, compares or attributes one."""

from memory.models import MemoryVersion


def text_of(version: MemoryVersion | None) -> str:
    """None, and a version that deletes, have no text."""
    if version is None or version.operation == MemoryVersion.Operation.DELETED:
        return ""
    return version.content
