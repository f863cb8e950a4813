"""Prepare chunks of lines in other processes, in order, with few of them under way. No Django."""

import gc
import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context

from sessions.format import FormatError
from sessions.preparing import PreparedSession, prepare_lines
from sessions.sources import Line

Prepared = list[PreparedSession | FormatError]
MAX_WORKERS = 4
# Below this, starting processes costs more than it saves.
WORTH_WORKERS = 8 * 1024 * 1024


class WorkerDiedError(RuntimeError):
    """A process was killed, most likely for want of memory."""


def workers_for(size: int) -> int:
    """How many processes pay for an input of about `size` bytes, unpacked; 0 means to prepare in this one."""
    return min(MAX_WORKERS, os.cpu_count() or 1) if size >= WORTH_WORKERS else 0


def prepared(chunks: Iterable[list[Line]], *, workers: int) -> Iterator[tuple[list[Line], Prepared]]:
    """Each chunk with what became of its lines. Raises `WorkerDiedError`; the chunks before it came out whole."""
    if not workers:
        for chunk in chunks:
            yield chunk, _prepare(chunk)
        return
    # Not forked: the parent has a database connection and threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_no_collecting) as pool:
        try:
            yield from _in_order(iter(chunks), pool, ahead=workers + 2)
        except BrokenProcessPool as error:
            raise WorkerDiedError(
                "a process that reads sessions was killed, perhaps for want of memory;"
                " what went in before is kept: run the import again"
            ) from error
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _in_order(
    chunks: Iterator[list[Line]], pool: ProcessPoolExecutor, *, ahead: int
) -> Iterator[tuple[list[Line], Prepared]]:
    waiting: deque[tuple[list[Line], Future[Prepared]]] = deque()
    waiting.extend(_submit(pool, chunk) for chunk in islice(chunks, ahead))
    while waiting:
        chunk, future = waiting.popleft()
        results = future.result()
        waiting.extend(_submit(pool, chunk) for chunk in islice(chunks, 1))
        yield chunk, results


def _submit(pool: ProcessPoolExecutor, chunk: list[Line]) -> tuple[list[Line], Future[Prepared]]:
    return _bare(chunk), pool.submit(_prepare_apart, chunk)


def _bare(chunk: list[Line]) -> list[Line]:
    return [Line(line.file, line.number, reason=line.reason) for line in chunk]


def _prepare(chunk: list[Line]) -> Prepared:
    return prepare_lines([line.data for line in chunk])


def _no_collecting() -> None:
    """A chunk makes many objects and no circles of them: looking for circles took a fifth of a worker's time."""
    gc.freeze()
    gc.disable()


def _prepare_apart(chunk: list[Line]) -> Prepared:
    results = _prepare(chunk)
    gc.collect()  # of the few that are left
    return results
