"""Who has to stand behind a proposal before it goes live, and who does already."""

from collections.abc import Sequence

from django.contrib.auth.models import User

from audit.actors import Actor
from audit.acts import current_act
from audit.roles import REVIEWER, has_role
from audit.services import record
from memory.models import Proposal
from memory.paths import InvalidMemory
from memory.services import Refused
from reviews.ballots import BadDecision, Ballot, NotAllowed
from reviews.models import Escalation, ReviewSettings, Signature, Vote
from reviews.replacing import replace_wording
from reviews.signatures import on_record, signed_words

FourEyes = ReviewSettings.FourEyes


def needs_two(proposal: Proposal, flags: Sequence[str] = ()) -> bool:
    """Whether two people are asked for: by the store's settings, or because a reviewer escalated it.

    `flags` are those of the text as it would be published: an edit can bring in what the proposal had not.
    """
    asked = ReviewSettings.of(proposal.store).four_eyes
    suspect = bool(proposal.risk) or bool(flags) or proposal.operation == Proposal.Operation.DELETE
    if asked == FourEyes.ALWAYS or (asked == FourEyes.FLAGGED and suspect):
        return True
    return Escalation.objects.filter(proposal=proposal).exists()


def is_author(proposal: Proposal, user: User) -> bool:
    return proposal.proposer_kind == "user" and proposal.proposer_id == str(user.pk)


def others_behind(proposal: Proposal, user: User) -> set[str]:
    """The ids of the other people who stand behind it: its author, if a person, and reviewers who approved it first.

    A vote counts while its reader is a reviewer, and over the digest that the proposal has.
    """
    votes = proposal.votes.filter(digest=proposal.digest).exclude(reader_id=user.pk)
    readers = User.objects.filter(pk__in=votes.values("reader_id"))
    people = {str(reader.pk) for reader in readers if has_role(reader, REVIEWER)}
    if proposal.proposer_kind == "user" and not is_author(proposal, user):
        people.add(proposal.proposer_id)
    return people


def first_of_two(
    proposal: Proposal, reader: User, ballot: Ballot, signature: Signature | None = None
) -> Vote | Proposal | None:
    """Where two people are asked: the first one's vote, or their edit as a proposal; None when this is the second."""
    act = current_act()
    if ballot.edit is not None:
        why = f"Reworded by {Actor.user(reader).name}: {ballot.reason.strip()}".rstrip(": ")
        content = ballot.edit.content.replace("\r\n", "\n")
        try:
            return replace_wording(
                proposal=proposal,
                content=content,
                path=ballot.edit.path,
                by=reader,
                why=why,
                signature=signature,
            )
        except (Refused, InvalidMemory) as refusal:
            raise BadDecision(str(refusal)) from refusal
    if is_author(proposal, reader):
        raise NotAllowed("Two people are asked here, and you wrote this. Somebody else approves it.")
    if proposal.votes.filter(reader_id=reader.pk).exists():
        raise NotAllowed("You approved it already. Two people are asked here: it waits for the second.")
    if others_behind(proposal, reader):
        return None
    vote = Vote.objects.create(
        proposal=proposal,
        reader=reader,
        reader_name=Actor.user(reader).name,
        reason=ballot.reason.strip(),
        digest=ballot.digest,
        signature=signature,
        act=act,
    )
    record(
        action="review.voted",
        actor=Actor.user(reader),
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={"vote": vote.pk, **on_record(signature)},
        words={"digest": vote.digest, "reason": vote.reason, **signed_words(signature)},
        act=act,
    )
    return vote
