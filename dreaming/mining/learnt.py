"""What is learnt beside errors: workflows, preferences and upkeep; and the memories that a pass looks at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workflow:
    """An ordered sequence of steps, gaps allowed, that successes share and failures lack.

    `contrast` says what it was compared with, for the steps `first` and `second`: `before`, sessions that
    took `second` without `first` before it (and, where steps are named, without `between` between them); `after`,
    sessions that took `first` and never `second` after it; `order`, sessions that took both the other way round;
    `most`, sessions that took more than half of the steps, but not all of them in this order.
    `agents_for` of `agents_known` agents with both kinds of session do better with it; `p_agents` is two-sided,
    within agents. `whole` are successes and sessions that took the steps, and that did not, with those that are not
    compared as they met an error that is told by itself.
    """

    steps: tuple[str, ...]
    contrast: str
    first: str
    second: str
    agents_for: int
    agents_known: int
    p_agents: float
    names: tuple[tuple[str, str], ...] = ()
    between: tuple[str, ...] = ()
    whole: tuple[int, int, int, int] = (0, 0, 0, 0)

    def named(self, step: str) -> str:
        """Return a step as agents call it."""
        return dict(self.names).get(step, step)


@dataclass(frozen=True, slots=True)
class Preference:
    """What users ask for, each in other words. `words` is the clearest of their remarks, `keys` the word stems
    that most remarks share, most first, each with 1, or -1 where most refuse it; `kinds` counts corrections, denials and repeated requests;
    `matter` are the keys as users write them; `done` the word stems that the
    acts hold again and again that the remarks answer.
    """

    words: str
    keys: tuple[tuple[str, int], ...]
    negative: bool
    kinds: tuple[tuple[str, int], ...]
    matter: tuple[str, ...] = ()
    done: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Upkeep:
    """A change to one memory that is there: its `path` at `version`; `content` is the whole new text.

    `operation` is `update` or `delete`; `why` is `duplicate`, `merged`, `contradicted` or `unread`; `other` is the
    path of the other memory, what contradicts in words, or how many sessions were given others; `before` and `after` are
    the passage that changes. A duplicate's `after` is what the memory that stays takes over.
    """

    operation: str
    path: str
    version: int
    why: str
    other: str
    before: str
    after: str
    content: str


@dataclass(frozen=True, slots=True)
class MemoryView:
    """One live memory of the store's snapshot; `version` is the id of its head.

    `served` counts sessions that were given it, `offered` those that were given any of the store since this version is
    live; `None` where reads were not recorded.
    """

    path: str
    text: str
    version: int
    served: int | None = None
    served_success: int = 0
    served_known: int = 0
    offered: int | None = None
