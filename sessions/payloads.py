"""The body of a request that sends sessions: unpacked within bounds, and cut into lines."""

import zlib

import msgspec
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from sessions.sources import Line

NDJSON_TYPES = {"application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"}
GZIP_WINDOW = 31  # zlib's wbits for a gzip header and trailer
# A body may be packed in many members (bgzip: one for each 64 KiB), each of which costs time even when it is empty.
MAX_MEMBERS = 10_000
PIECE = 64 * 1024


class PayloadError(ValueError):
    """The body cannot be read; `status` is the HTTP status that says so."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail


def read_body(request: HttpRequest) -> bytes:
    """The body, unpacked if it was sent with `Content-Encoding: gzip`. Raises `PayloadError`."""
    try:
        body = request.body
    except RequestDataTooBig as error:
        raise _too_large() from error
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding == "gzip":
        return _gunzip(body)
    if encoding not in ("", "identity"):
        raise PayloadError(415, "unsupported_encoding", f"Content-Encoding {encoding}: send gzip, or plain JSON.")
    return body


def is_batch(request: HttpRequest, body: bytes) -> bool:
    """Whether `body` is NDJSON: it says so, or its first line is whole and another follows."""
    if (request.content_type or "").lower() in NDJSON_TYPES:
        return True
    first, _, rest = body.strip().partition(b"\n")
    if not rest:
        return False
    try:
        msgspec.json.decode(first, type=msgspec.Raw)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return True


def lines_of(body: bytes) -> list[Line]:
    """The lines that are not blank, numbered from 1."""
    stripped = ((number, line.strip()) for number, line in enumerate(body.split(b"\n"), 1))
    return [Line("", number, line) for number, line in stripped if line]


def _limit() -> int:
    return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _too_large() -> PayloadError:
    detail = f"A request may have {_limit() // 2**20} MiB (unpacked): send the sessions in several requests."
    return PayloadError(413, "too_large", detail)


def _gunzip(packed: bytes) -> bytes:
    """Never unpacks more than a byte over the limit. Read in pieces, so that what follows a member is not copied whole."""
    parts: list[bytes] = []
    size, members, member = 0, 1, zlib.decompressobj(GZIP_WINDOW)
    try:
        for at in range(0, len(packed), PIECE):
            piece = packed[at : at + PIECE]
            while piece:
                if member.eof:
                    members, member = members + 1, zlib.decompressobj(GZIP_WINDOW)
                if members > MAX_MEMBERS:
                    raise PayloadError(400, "broken_gzip", f"The gzip body has more than {MAX_MEMBERS:,} members.")
                parts.append(member.decompress(piece, _limit() + 1 - size))
                size += len(parts[-1])
                if size > _limit():
                    raise _too_large()
                piece = member.unused_data
    except zlib.error as error:
        raise PayloadError(400, "broken_gzip", f"The body is not gzip ({error}). Nothing was kept.") from error
    if packed and not member.eof:
        raise PayloadError(400, "broken_gzip", "The gzip body breaks off. Nothing was kept; send it again.")
    return b"".join(parts)
