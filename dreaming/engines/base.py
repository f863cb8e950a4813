"""What every engine is given, and what it gives back."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from dreaming.models import Dream
from memory.services import Draft
from sessions.models import SessionQuerySet

Progress = Callable[[str, int, int], None]


class Canceled(Exception):
    """Somebody canceled the dream while it ran."""


class LeftOut(Exception):
    """The candidate is not worth a proposal after all; the message is the reason to keep."""


class EngineFailed(Exception):
    """The pass cannot go on; the message says why and what to do. What was proposed before stays."""


class OverBudget(Exception):
    """The next step could cost more than the pass may; the message names the cap."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One pattern, best first. `draft` words it, and may raise `LeftOut`, `OverBudget`, `EngineFailed`.

    Without a `draft` it was left out already, for `reason`. `data` is plain JSON.
    """

    kind: str
    title: str
    claim_key: str
    data: dict[str, Any]
    draft: Callable[[], Draft] | None = None
    reason: str = ""


@dataclass(slots=True)
class Pass:
    """One run of a dream. `manifest` collects what it was run with; `accepted` counts its proposals
    so far, `expected` the candidates that there will be, as far as the engine knows."""

    dream: Dream
    step: Progress
    sessions: SessionQuerySet
    manifest: dict[str, Any] = field(default_factory=dict)
    accepted: int = 0
    expected: int = 0
    session_count: int = 0
    event_count: int = 0

    @property
    def room(self) -> int:
        """How many more proposals this pass may make."""
        return max(0, self.dream.max_proposals - self.accepted)


class EngineModule(Protocol):
    """A module of this package."""

    def candidates(self, run: Pass) -> Iterator[Candidate]:
        """Work, and yield what was found. Never called, and never suspended, inside a transaction."""
