"""What people say beside a proposal, and whom they call."""

import re
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from audit.actors import Actor
from audit.roles import ROLES
from audit.services import record
from memory.models import Proposal
from reviews.models import Comment, Mention
from reviews.together import NotDone, check_reviewer

LIMIT = 4_000
_NAME = re.compile(r"(?<![\w@.+-])@([\w.+-]{1,150})")


@dataclass(frozen=True, slots=True)
class Said:
    """A comment, and the names in it that nobody here has."""

    comment: Comment
    unknown: list[str]


@transaction.atomic
def comment(*, proposal_id: int, author: User, body: str) -> Said:
    """Keep a comment, and call whom it names as @username. Raises `NotDone`, `NotAllowed`."""
    check_reviewer(author)
    body = body.replace("\r\n", "\n").strip()
    if not body:
        raise NotDone("There is nothing in the comment.")
    if len(body) > LIMIT:
        raise NotDone(f"The comment has {len(body):,} characters; {LIMIT:,} are the most.")
    proposal = Proposal.objects.select_related("store").get(pk=proposal_id)
    actor = Actor.user(author)
    said = Comment.objects.create(proposal=proposal, author=author, author_name=actor.name, body=body)
    called, unknown = _called(body)
    Mention.objects.bulk_create(Mention(comment=said, user=user) for user in called if user != author)
    record(
        action="proposal.commented",
        actor=actor,
        subject=f"proposal:{proposal.pk}",
        store=proposal.store.name,
        data={
            "comment": said.pk,
            "mentions": sorted(user.pk for user in called if user != author),
        },
        words={"body": body},
    )
    return Said(said, unknown)


def _called(body: str) -> tuple[list[User], list[str]]:
    """The people with a role whom the text names, and the names that are nobody's.

    A name may end in a dot, and so may a sentence: the name as it stands counts first.
    """
    names = dict.fromkeys(_NAME.findall(body))
    wanted = {*names, *(name.rstrip(".+-") for name in names)}
    people = User.objects.filter(username__in=wanted, is_active=True, groups__name__in=ROLES).distinct()
    by_name = {user.username: user for user in people}
    found = {name: by_name.get(name) or by_name.get(name.rstrip(".+-")) for name in names}
    called = dict.fromkeys(user for user in found.values() if user)
    return list(called), [name.rstrip(".+-") for name, user in found.items() if user is None]


def unseen_mentions(user: User) -> QuerySet[Mention]:
    return Mention.objects.filter(user_id=user.pk, seen_at=None)


def see_mentions(*, proposal_id: int, user: User) -> None:
    """The user opened the proposal, and with it what was said to them there."""
    unseen_mentions(user).filter(comment__proposal_id=proposal_id).update(seen_at=Now())
