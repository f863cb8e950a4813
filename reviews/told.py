"""What a page that stayed open tells its reader: what is not as it was, by whom, and whether it can be approved."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User

from memory.models import Proposal
from reviews.models import Decision
from reviews.standing import Standing

_DECIDED = {
    Decision.Verdict.APPROVE: "approved it",
    Decision.Verdict.APPROVE_WITH_EDITS: "approved it with edits",
    Decision.Verdict.REJECT: "rejected it",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed; `blocks` says that approving would be refused."""

    text: str
    blocks: bool = False
    at: datetime | None = None


def changes(now: Standing, seen: Mapping[str, str], reader: User) -> list[Change]:
    """What changed since the page was opened, with the mark `seen`; the gravest first."""
    moved = [name for name, value in now.mark.items() if name in seen and seen[name] != value]
    if now.status != Proposal.Status.OPEN:
        # A closed proposal has one story; what else moved with it is part of that.
        moved = [name for name in moved if name in ("status", "comments")]
    teller = _Teller(now, reader.pk)
    told = [getattr(teller, name)() for name in moved]
    return [change for change in told if change]


def obstacles(now: Standing, reader: User) -> list[Change]:
    """What stands in the way of approving an open proposal right when the page is opened."""
    teller, found = _Teller(now, reader.pk), []
    if now.stopped_by:
        found.append(teller.stopped())
    if now.held:
        found.append(teller.held() or Change("You decided it; until that takes effect, you can undo it.", blocks=True))
    if now.asked:
        own = "You ask for changes; until that is answered or withdrawn, nothing approves it."
        found.append(teller.asked() or Change(own, blocks=True))
    return found


@dataclass(frozen=True, slots=True)
class _Teller:
    """One sentence for each part of the mark; none for what the reader did or must not know."""

    now: Standing
    reader: int

    def status(self) -> Change:
        if decided := self.now.decided:
            who = "You" if decided["user"] == self.reader else decided["name"]
            return Change(f"{who} {_DECIDED[decided['verdict']]}.", blocks=True, at=self.now.decided_at)
        label = Proposal.Status(self.now.status).label.capitalize()
        return Change(f"{label}. {self.now.status_reason}", blocks=True)

    def held(self) -> Change | None:
        held = self.now.held
        if held is None or held["user"] == self.reader:
            return None
        who = "Somebody" if self.now.needs_two else held["name"]
        return Change(f"{who} decided it a moment ago; until that takes effect, it can be taken back.", blocks=True)

    def head(self) -> Change:
        return Change("Another decision moved the memory that this changes.", blocks=True)

    def evidence(self) -> Change:
        if self.now.broken_quotes:
            return Change("A quote no longer stands in the event that it cites.", blocks=True)
        return Change("The evidence is not what you see.", blocks=True)

    def stopped(self) -> Change:
        if not self.now.stopped_by:
            return Change(f"Publishing in {self.now.store_name} goes on again.")
        text = f"{self.now.stopped_by} stopped publishing in {self.now.store_name}: {self.now.stop_reason}"
        return Change(text, blocks=True, at=self.now.stopped_at)

    def asked(self) -> Change | None:
        asked = self.now.asked
        if asked is None:
            return Change("The request for changes was withdrawn.")
        if asked["user"] == self.reader:
            return None
        return Change(f"{asked['name']} asks for changes: {asked['note']}", blocks=True)

    def people(self) -> Change:
        if by := self.now.escalated_by:
            return Change(f"{by} escalated it: two people are asked for now. {self.now.escalation_reason}")
        return Change("Two people are asked for now." if self.now.needs_two else "One reviewer decides it now.")

    def modes(self) -> Change:
        if self.now.modes == "auto":
            return Change(f"{self.now.store_name} goes by policy now: all of its agents are in auto mode.")
        return Change(f"Who reads {self.now.store_name}, or in which mode, changed: it is gated now.")

    def assignee(self) -> Change:
        if self.now.assignee is None:
            return Change("It is nobody's turn in particular any more.")
        whose = "your" if self.now.assignee == self.reader else f"{self.now.assignee_name}'s"
        return Change(f"{self.now.assigned_by} made it {whose} turn.")

    def comments(self) -> Change | None:
        return Change(f"{self.now.commenter} wrote a comment.") if self.now.commenter_id != self.reader else None
