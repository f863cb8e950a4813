"""Lines out of files, plain or gzip, whole or broken, with one line at most in memory. No Django."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from sessions.format import MAX_SESSION_BYTES, too_large

STDIN = Path("-")
SUFFIXES = (".jsonl", ".jsonl.gz")
CHUNK_BYTES = 4 * 1024 * 1024
CHUNK_LINES = 2000
SKIP_BYTES = 64 * 1024
GZIP_MAGIC = b"\x1f\x8b"
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


class SourceError(ValueError):
    """A path that cannot be read at all."""


class Line(NamedTuple):
    """`number` counts from 1; 0 means that the file is empty.

    With a `reason` there is no `data`: that line, or the rest of the file, cannot be read.
    """

    file: str
    number: int
    data: bytes = b""
    reason: str = ""


def find_files(paths: Iterable[str]) -> list[Path]:
    """The files that `paths` name; folders are searched. Raises `SourceError` before anything is read."""
    files: list[Path] = []
    for name in paths:
        path = Path(name)
        if path == STDIN or path.is_file():
            files.append(path)
        elif path.is_dir():
            files += _files_below(path)
        else:
            raise SourceError(f"{name}: there is no such file or folder")
    return files


def _files_below(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.name.endswith(SUFFIXES) and path.is_file())
    if not found:
        raise SourceError(f"{folder}: holds no .jsonl or .jsonl.gz file")
    return found


def read_lines(path: Path, *, progress: Callable[[int], None] = lambda _: None) -> Iterator[Line]:
    """The lines of one file that are not blank. `progress` is told the position in the file on disk."""
    name = "stdin" if path == STDIN else str(path)
    number = 0
    try:
        with _open(path) as raw:
            for number, data in _numbered(_unpacked(raw, path)):
                progress(raw.tell() if raw.seekable() else 0)
                if data is None:
                    yield Line(name, number, reason=too_large())
                elif line := data.strip():
                    yield Line(name, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        reason = f"the gzip file is broken from here on ({error}); pack and send it again"
        yield Line(name, number + 1, reason=reason)
    except OSError as error:
        yield Line(name, number + 1, reason=f"cannot be read from here on: {error.strerror or error}")
    else:
        if not number:
            yield Line(name, 0)


def _open(path: Path) -> io.BufferedReader:
    return open(sys.stdin.fileno(), "rb", closefd=False) if path == STDIN else path.open("rb")


def _unpacked(raw: io.BufferedReader, path: Path) -> io.BufferedIOBase:
    if path.name.endswith(".gz") or raw.peek(2)[:2] == GZIP_MAGIC:
        return gzip.GzipFile(fileobj=raw)
    return raw


def _numbered(stream: io.BufferedIOBase) -> Iterator[tuple[int, bytes | None]]:
    """Each line with its number; None for one beyond the limit, which is read past and not kept."""
    number = 0
    while line := stream.readline(MAX_SESSION_BYTES + 2):
        number += 1
        if len(line) > MAX_SESSION_BYTES and not line.endswith(b"\n"):
            while line and not line.endswith(b"\n"):
                line = stream.readline(SKIP_BYTES)
            yield number, None
        else:
            yield number, line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line


def chunked(lines: Iterable[Line]) -> Iterator[list[Line]]:
    """Lines in lists that are bounded in bytes and in length: one list, one transaction."""
    chunk: list[Line] = []
    size = 0
    for line in lines:
        if chunk and (size + len(line.data) > CHUNK_BYTES or len(chunk) >= CHUNK_LINES):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += len(line.data)
    if chunk:
        yield chunk
