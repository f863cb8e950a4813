"""What the record's entries are about, as the database holds it: for checking that it says what it said."""

from audit.models import Entry
from audit.salts import Words, words_of
from memory.models import MemoryVersion, PolicyChange, Proposal
from reviews.models import ChangeRequest, Comment, Decision, ReReview, SecondLook, Vote, Waiver
from reviews.signatures import signed_words


def _about_proposal(entry: Entry) -> int:
    return int(entry.subject.removeprefix("proposal:"))


@words_of("proposal.submitted")
def _submitted(entry: Entry) -> Words | None:
    return Proposal.objects.filter(pk=_about_proposal(entry)).values("digest", "path").first()


@words_of("decision.made")
def _decided(entry: Entry) -> Words | None:
    decision = Decision.objects.select_related("signature").filter(pk=entry.data["decision"]).first()
    return _with_signature(decision) if decision else None


@words_of("memory.version.published")
def _published(entry: Entry) -> Words | None:
    return MemoryVersion.objects.filter(pk=entry.data["version"]).values("sha256", "path").first()


@words_of("review.voted")
def _voted(entry: Entry) -> Words | None:
    vote = Vote.objects.select_related("signature").filter(pk=entry.data["vote"]).first()
    return _with_signature(vote) if vote else None


def _with_signature(row: Decision | Vote) -> Words:
    return {"digest": row.digest, "reason": row.reason, **signed_words(row.signature)}


@words_of("decision.waived")
@words_of("decision.emergency")
def _waived(entry: Entry) -> Words | None:
    return Waiver.objects.filter(pk=entry.data["waiver"]).values("reason").first()


@words_of("decision.re_reviewed")
def _re_reviewed(entry: Entry) -> Words | None:
    return ReReview.objects.filter(waiver=entry.data["waiver"]).values("note").first()


@words_of("policy.change_confirmed")
@words_of("policy.change_refused")
def _answered(entry: Entry) -> Words | None:
    return PolicyChange.objects.filter(pk=entry.data["change"]).values("note").first()


@words_of("review.second_look")
def _looked(entry: Entry) -> Words | None:
    return SecondLook.objects.filter(decision=entry.data["decision"]).values("note").first()


@words_of("proposal.commented")
def _commented(entry: Entry) -> Words | None:
    return Comment.objects.filter(pk=entry.data["comment"]).values("body").first()


@words_of("proposal.changes_asked")
def _asked(entry: Entry) -> Words | None:
    return ChangeRequest.objects.filter(pk=entry.data["request"]).values("note").first()
