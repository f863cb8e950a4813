"""What agents ask to have remembered. It never writes memory: it waits for a decision, as every proposal does."""

from dataclasses import dataclass

from audit.actors import Actor
from memory.models import Memory, MemoryStore, MemoryVersion, Proposal
from memory.services import Draft, KnownClaim, Refused, normalised_text_key, submit_proposal
from sessions.models import Agent

_ASKS_TO = {
    Proposal.Operation.CREATE: "add",
    Proposal.Operation.UPDATE: "change",
    Proposal.Operation.DELETE: "delete",
    Proposal.Operation.RENAME: "rename",
}
REASON_LENGTH = 2_000


class Moved(Refused):
    """What the agent wanted to change is not, or no longer, as it thinks."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One write that an agent asked for. `base` is the live version that it changes; `reason` its own words.

    Who asked is known by `session`, or by `api_key` (the public id of the key), where they are given.
    """

    operation: str
    path: str
    content: str = ""
    new_path: str = ""
    base: MemoryVersion | None = None
    reason: str = ""
    session: str = ""
    api_key: str = ""

    @property
    def source_ref(self) -> str:
        if self.session:
            return asked_by("session", self.session)
        return asked_by("api_key", self.api_key) if self.api_key else ""


def asked_by(kind: str, name: str) -> str:
    """How a proposal names the session, or the key, that asked for it."""
    return f"{kind}:{name}"[:100]


def suggest(*, agent: Agent, store: MemoryStore, suggestion: Suggestion) -> Proposal:
    """File the write as a proposal, and return it as it stands then: open, or approved where a policy let it through.

    Asking again for what waits already returns what waits. Raises `Refused` or `InvalidMemory` with the reason; and
    `PermissionError` for a store that the agent is not attached to.
    """
    if not store.agents.filter(pk=agent.pk).exists():
        raise PermissionError(f"{agent.slug} is not attached to {store.name}.")
    draft = _draft(agent, suggestion)
    try:
        proposal = submit_proposal(
            store=store,
            draft=draft,
            source=Proposal.Source.AGENT,
            proposer=Actor.agent(agent.slug),
            source_ref=suggestion.source_ref,
        )
    except KnownClaim:
        waiting = store.proposals.open().filter(text_key=normalised_text_key(draft), path=draft.path)
        if known := waiting.first():
            return known
        raise
    proposal.refresh_from_db()
    return proposal


def store_of(agent: Agent, name: str = "") -> MemoryStore:
    """The store that an agent means: by name, or its only one. Raises `Refused`, and tells nothing of other stores."""
    stores = list(agent.stores.order_by("name"))
    if found := [store for store in stores if name in ("", store.name)]:
        if len(found) == 1:
            return found[0]
        raise Refused(f"Say which store is meant: {', '.join(store.name for store in found)}.")
    if not stores:
        raise Refused(f"{agent.slug} reads no store yet; an admin attaches it to one on its page.")
    raise Refused(f"{agent.slug} reads no store of that name, but {', '.join(store.name for store in stores)}.")


def live_version(store: MemoryStore, path: str, sha256: str = "") -> MemoryVersion:
    """The version at `path` that a change is made to. Raises `Moved` if there is none, or if it is not `sha256`."""
    memory = Memory.objects.live(store.pk).filter(path=path).first()
    if memory is None or memory.head is None:
        raise Moved(f"There is no memory at {path} in {store.name}.")
    if sha256 and memory.head.sha256 != sha256:
        raise Moved(f"{path} changed since you read it; its SHA-256 is {memory.head.sha256} now.")
    return memory.head


def _draft(agent: Agent, suggestion: Suggestion) -> Draft:
    to = f" to {suggestion.new_path}" if suggestion.new_path else ""
    where = f" in its session {suggestion.session}" if suggestion.session else ""
    asked = f"{agent.slug} asked for this itself{where}; no other session was looked at."
    return Draft(
        operation=suggestion.operation,
        path=suggestion.path,
        new_path=suggestion.new_path,
        content=suggestion.content,
        base_version=suggestion.base,
        kind=Proposal.Kind.WRITTEN,
        title=f"{agent.slug} asks to {_ASKS_TO[Proposal.Operation(suggestion.operation)]} {suggestion.path}{to}",
        rationale=f"{asked} Its reason: {suggestion.reason[:REASON_LENGTH]}" if suggestion.reason else asked,
    )
