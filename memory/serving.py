"""One answer to an agent that reads: which part of which stores, at which revision, in which form."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import msgspec
from django.utils.functional import cached_property
from django.utils.http import parse_etags

from audit.canonical import digest_of
from audit.checkpoints import newest_line
from memory import reading
from memory.envelopes import envelope, signer_and_day
from memory.kept_answers import keep, kept
from memory.reading import LiveMemory, Served, Snapshot
from memory.services import Read
from sessions.models import Agent

Format = Literal["json", "markdown"]


class NoSuchRevision(LookupError):
    """The revision asked for is not there, or not served; the message says which is."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which part of its memory an agent asks for: everything, unless it says less.

    `max_bytes` bounds the texts together: whole entries, in order of their paths, as long as they fit.
    """

    store: str = ""
    revision: int | None = None
    path_prefix: str = ""
    max_bytes: int | None = None

    @property
    def may_be_cut(self) -> bool:
        """Whether it can hold less than a revision did: an earlier one lacks what was erased since."""
        return bool(self.path_prefix) or self.max_bytes is not None or self.revision is not None


@dataclass
class Answer:
    """What an agent is served. Raises `NoSuchRevision` when its texts are asked for."""

    agent: Agent
    format: Format
    part: Part = field(default_factory=Part)
    is_recorded: bool = False

    @cached_property
    def current(self) -> list[Served]:
        """What is served of the stores now: all that a conditional request needs, unless its part is recorded."""
        if self.is_recorded and self.part.may_be_cut:
            return [snapshot.served for snapshot in self.snapshots]
        return reading.live_revisions(self.agent, self.part.store)

    @cached_property
    def snapshots(self) -> list[Snapshot]:
        """The stores as one statement sees them, cut to the part that was asked for."""
        part = self.part
        found = reading.live_snapshots(self.agent, part.store, part.revision, part.path_prefix)
        if part.revision is not None:
            _check_revision(part.revision, found)
        self.current = [snapshot.served for snapshot in found]
        return _within(found, part.max_bytes)

    @property
    def served(self) -> list[Read]:
        """What the tag names, for the record."""
        if not self.part.may_be_cut:
            return [(one.store_id, one.revision, None) for one in self.current]
        return [(one.served.store_id, one.served.revision, self._versions(one)) for one in self.snapshots]

    def _versions(self, snapshot: Snapshot) -> list[int] | None:
        """Those served of a revision, or None for all of it."""
        is_whole = not (self.part.path_prefix or snapshot.left_out or snapshot.erased)
        return None if is_whole else [memory.revision for memory in snapshot.memories]

    @property
    def tag(self) -> str:
        """A strong ETag. An earlier revision may be struck by an erasure: there it names the texts themselves."""
        part = (self.part.store, self.part.revision, self.part.path_prefix, self.part.max_bytes)
        texts = ""
        if self.part.revision is not None:
            texts = digest_of([[memory.path, memory.sha256] for one in self.snapshots for memory in one.memories])
        day = signer_and_day() if self.format == "json" else ""
        return reading.etag(self.agent.slug, self.format, tuple(self.current), (*part, texts, day))

    def is_known(self, sent: str) -> bool:
        """Whether an agent that sends this `If-None-Match` has it. Weak marks do not count: proxies that compress set them."""
        known = parse_etags(sent)
        return known == ["*"] or self.tag in (etag.removeprefix("W/") for etag in known)

    @property
    def headers(self) -> dict[str, str]:
        """What goes before the body, and with a 304 instead of it."""
        headers = {"ETag": self.tag, "Cache-Control": "private, no-cache"}
        if stopped := [one.store for one in self.current if one.stopped]:
            headers["Daylight-Stopped"] = ", ".join(stopped)
        if checkpoint := newest_line():
            headers["Daylight-Checkpoint"] = checkpoint
        return headers

    def body(self) -> bytes:
        is_now = self.part.revision is None
        if is_now and (body := kept(self.tag)) is not None:
            return body
        snapshots = self.snapshots
        body = self._written(snapshots)
        # Texts of an earlier revision, which a stop may serve, can be struck by an erasure: those are written anew.
        if is_now and all(one.served.revision == one.store_revision for one in snapshots):
            keep(self.tag, body)
        return body

    def _written(self, snapshots: list[Snapshot]) -> bytes:
        if self.format == "markdown":
            return reading.as_markdown(self.agent, snapshots, self.tag).encode()
        stores = [self._store(snapshot) for snapshot in snapshots]
        return msgspec.json.encode({"agent": self.agent.slug, "stores": stores})

    def _store(self, snapshot: Snapshot) -> dict[str, Any]:
        served = snapshot.served
        return {
            "store": served.store,
            "revision": served.revision,
            "stopped": served.stopped,
            "left_out": snapshot.left_out,
            "erased": snapshot.erased,
            "memories": snapshot.memories,
            "envelope": self._envelope(snapshot),
        }

    def _envelope(self, snapshot: Snapshot) -> dict[str, str] | None:
        served = snapshot.served
        statement = {
            "store": served.store,
            "revision": served.revision,
            "path_prefix": self.part.path_prefix,
            "left_out": snapshot.left_out,
            "erased": snapshot.erased,
            "content_sha256": digest_of([[memory.path, memory.sha256] for memory in snapshot.memories]),
        }
        return envelope(agent=self.agent.slug, store_id=served.store_id, statement=statement)


def _check_revision(wanted: int, found: list[Snapshot]) -> None:
    for snapshot in found:
        if wanted > snapshot.newest:
            raise NoSuchRevision(f"{snapshot.served.store} is served up to revision {snapshot.newest}.")


def _within(snapshots: list[Snapshot], max_bytes: int | None) -> list[Snapshot]:
    if max_bytes is None:
        return snapshots
    room, cut = max_bytes, []
    for snapshot in snapshots:
        fitting: list[LiveMemory] = []
        for memory in snapshot.memories:
            size = len(memory.content.encode())
            if size <= room:
                fitting.append(memory)
                room -= size
        cut.append(replace(snapshot, memories=tuple(fitting), left_out=len(snapshot.memories) - len(fitting)))
    return cut
