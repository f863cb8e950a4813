"""Back to the writer with a note, and the newer wording that answers it."""

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.acts import one_act
from memory.models import Proposal
from reviews.models import ChangeRequest
from reviews.presenters import proposed_text
from reviews.replacing import replace_wording
from reviews.together import NotDone, check_not_held, checked_words, locked_open, record_act


@transaction.atomic
def ask_for_changes(*, proposal_id: int, by: User, note: str) -> ChangeRequest:
    """Until it is answered or withdrawn, nothing approves the proposal. Raises `NotDone`, `NotAllowed`, `AlreadyDecided`."""
    proposal = locked_open(proposal_id, by)
    check_not_held(proposal)
    note = checked_words(note, "Say what should change.")
    if earlier := waiting_request(proposal):
        raise NotDone(f"{earlier.by_name} asks for changes already.")
    asked = ChangeRequest.objects.create(proposal=proposal, by=by, by_name=Actor.user(by).name, note=note)
    record_act("proposal.changes_asked", proposal, by, words={"note": note}, request=asked.pk)
    return asked


@transaction.atomic
def withdraw_request(*, proposal_id: int, by: User) -> None:
    """Let the proposal be decided as it is. Any reviewer may: a colleague on leave must not block it."""
    proposal = locked_open(proposal_id, by)
    asked = waiting_request(proposal)
    if asked is None:
        raise NotDone("Nobody asks for changes.")
    asked.withdrawn_at = Now()
    asked.save(update_fields=["withdrawn_at"])
    record_act("proposal.changes_withdrawn", proposal, by, request=asked.pk)


@transaction.atomic
@one_act()
def reword(*, proposal_id: int, by: User, content: str, path: str) -> Proposal:
    """File `by`'s wording in place of the proposal, as the answer to the changes asked for.

    Raises `NotDone`, `NotAllowed`, `AlreadyDecided`, `Refused` or `InvalidMemory`.
    """
    proposal = locked_open(proposal_id, by)
    check_not_held(proposal)
    asked = waiting_request(proposal)
    if asked is None:
        raise NotDone("Nobody asks for changes. To change the text, edit it before you approve it.")
    if proposal.operation == Proposal.Operation.DELETE:
        raise NotDone("A delete has no text to reword.")
    content = content.replace("\r\n", "\n")
    if (content, path) == (proposed_text(proposal), proposal.new_path or proposal.path):
        raise NotDone("Nothing is changed yet.")
    why = f"{asked.by_name} asked: {asked.note}"
    newer = replace_wording(proposal=proposal, content=content, path=path, by=by, why=why)
    asked.answer = newer
    asked.save(update_fields=["answer"])
    return newer


def waiting_request(proposal: Proposal) -> ChangeRequest | None:
    return ChangeRequest.objects.waiting().filter(proposal=proposal).first()
