"""What a decider says, and why it may be refused."""

from dataclasses import dataclass


class DecisionRefused(Exception):
    """The decision was not taken and nothing changed; the message says why."""


class NotAllowed(DecisionRefused):
    """The decider may not decide this."""


class AlreadyDecided(DecisionRefused):
    """Somebody was faster."""


class DigestMismatch(DecisionRefused):
    """What was seen is not what would be decided on."""


class BadDecision(DecisionRefused):
    """The decision itself is incomplete or malformed; mend it and send it again."""


class NotSigned(BadDecision):
    """The store asks for a signature, and none was given, or it was refused."""


class Stale(DecisionRefused):
    """The base moved; the proposal is stale now."""


class Stopped(DecisionRefused):
    """The store is stopped: nothing is published in it, and nothing was decided."""


@dataclass(frozen=True, slots=True)
class Edit:
    """The text and path to publish instead of those proposed."""

    content: str
    path: str


@dataclass(frozen=True, slots=True)
class Ballot:
    """What a decider says: the verdict, over the digest that they saw, and why.

    `waiver` asks that one person be enough where two are asked: `waiver` or `emergency`.
    """

    verdict: str
    digest: str
    reason: str = ""
    edit: Edit | None = None
    waiver: str = ""
