"""What the record's entries are about, as the database holds it: for checking that it says what it said."""

from audit.models import Entry
from audit.salts import Words, words_of
from memory.models import MemoryVersion, Proposal
from reviews.models import ChangeRequest, Comment, Decision, SecondLook, Vote


def _about_proposal(entry: Entry) -> int:
    return int(entry.subject.removeprefix("proposal:"))


@words_of("proposal.submitted")
def _submitted(entry: Entry) -> Words | None:
    return Proposal.objects.filter(pk=_about_proposal(entry)).values("digest", "path").first()


@words_of("decision.made")
def _decided(entry: Entry) -> Words | None:
    return Decision.objects.filter(pk=entry.data["decision"]).values("digest", "reason").first()


@words_of("memory.version.published")
def _published(entry: Entry) -> Words | None:
    return MemoryVersion.objects.filter(pk=entry.data["version"]).values("sha256", "path").first()


@words_of("review.voted")
def _voted(entry: Entry) -> Words | None:
    return Vote.objects.filter(pk=entry.data["vote"]).values("digest", "reason").first()


@words_of("review.second_look")
def _looked(entry: Entry) -> Words | None:
    return SecondLook.objects.filter(decision=entry.data["decision"]).values("note").first()


@words_of("proposal.commented")
def _commented(entry: Entry) -> Words | None:
    return Comment.objects.filter(pk=entry.data["comment"]).values("body").first()


@words_of("proposal.changes_asked")
def _asked(entry: Entry) -> Words | None:
    return ChangeRequest.objects.filter(pk=entry.data["request"]).values("note").first()
