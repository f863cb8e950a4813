"""What a session was served: the versions whose texts it was given, of those in the basic view none."""

from collections.abc import Sequence

from memory.anthropic_api.transport import Call
from memory.models import MemoryStore, MemoryVersion
from memory.services import Read, record_read


def record_memories(call: Call, store: MemoryStore, given: Sequence[MemoryVersion]) -> None:
    """They were given as what the store holds: at the revision that the statement saw which read the texts."""
    if given:
        revision = given[0].store.revision if store.served_revision is None else store.served_revision
        _record(call, [(store.pk, revision, [version.revision for version in given])])


def record_versions(call: Call, given: Sequence[MemoryVersion]) -> None:
    """They were given each by itself, perhaps from history: at the revision that brought it, if it has a text."""
    deleted = MemoryVersion.Operation.DELETED
    told = [version for version in given if version.operation != deleted and not version.is_erased]
    _record(call, [(version.store_id, version.revision, [version.revision]) for version in told])


def _record(call: Call, served: Sequence[Read]) -> None:
    if call.key.agent is not None and call.session:
        record_read(agent=call.key.agent, session_external_id=call.session, served=served)
