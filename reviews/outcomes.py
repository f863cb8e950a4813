"""What a reviewer is told after deciding."""

from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from memory.models import Proposal
from reviews.models import Decision, HeldBallot, SeedAnswer, Vote
from reviews.services import Decided


def told(decided: Decided | HeldBallot) -> SafeString:
    """One sentence, with a link to the proposal that it is about."""
    if isinstance(decided, Decision):
        return _decision(decided)
    if isinstance(decided, HeldBallot):
        return format_html(
            "{} takes effect at {} UTC, unless you take it back.",
            _link(decided.proposal),
            f"{decided.due_at:%H:%M:%S}",
        )
    if isinstance(decided, Vote):
        return format_html(
            "Your approval of {} is kept. Two people are asked here: it goes live with the second.",
            _link(decided.proposal),
        )
    if isinstance(decided, SeedAnswer):
        return _answer(decided)
    return format_html(
        "Your wording waits as {}. Two people are asked here: somebody else approves it.", _link(decided)
    )


def _decision(decision: Decision) -> SafeString:
    proposal = decision.proposal
    if decision.version is None:
        return format_html(
            "Rejected {}. The same claim will not come back. {}", _link(proposal), _way_back(proposal, "Reopen")
        )
    if getattr(decision, "waiver", None):
        return format_html(
            "{} is live in {}, published by you alone. Somebody else looks at it again within 24 hours. {}",
            _link(proposal),
            proposal.store.name,
            _way_back(proposal, "Revert"),
        )
    verb = "is gone from" if proposal.operation == Proposal.Operation.DELETE else "is live in"
    return format_html(
        "Approved {}: {} {} {} at revision r{}. {}",
        _link(proposal),
        decision.path,
        verb,
        proposal.store.name,
        decision.version.revision,
        _way_back(proposal, "Revert"),
    )


def _way_back(proposal: Proposal, verb: str) -> SafeString:
    """To the form that files the reverse, or the same once more, as a new proposal."""
    address = reverse("reviews:proposal_detail", args=[proposal.pk])
    return format_html('<a href="{}#take-back" data-key="u">{}</a> <kbd>u</kbd>', address, verb)


def _answer(answer: SeedAnswer) -> SafeString:
    verdict = "You caught it." if answer.caught else "It was a bad one; nothing was published."
    return format_html(
        "{} was a test item. {} What was wrong with it: {}", _link(answer.seed.proposal), verdict, answer.seed.flaw
    )


def _link(proposal: Proposal) -> SafeString:
    return format_html(
        '<a href="{}">{}</a>', reverse("reviews:proposal_detail", args=[proposal.pk]), proposal.public_id
    )
