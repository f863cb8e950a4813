from django.db import models
from django.db.models.functions import Now

from memory.models import Proposal
from reviews.models.fields import person


class Comment(models.Model):
    """What a person says beside a proposal. Only ever inserted."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="comments")
    author = person("comments")
    author_name = models.CharField(max_length=255)
    body = models.TextField(max_length=4000)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.author_name} on {self.proposal_id}"


class Mention(models.Model):
    """A comment that names a person, until they saw it."""

    comment = models.ForeignKey(Comment, on_delete=models.CASCADE, related_name="mentions")
    user = person("mentions")
    seen_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["comment", "user"], name="one_mention_a_comment")]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.comment_id}"


class Assignment(models.Model):
    """Whose turn it is."""

    proposal = models.OneToOneField(Proposal, on_delete=models.CASCADE, related_name="assignment")
    assignee = person("assignments")
    assignee_name = models.CharField(max_length=255)
    by_name = models.CharField(max_length=255)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.proposal_id} is {self.assignee_name}'s"


class Escalation(models.Model):
    """A reviewer does not want to decide this alone: from then on it needs two people."""

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="escalation")
    by = person("escalations")
    by_name = models.CharField(max_length=255)
    reason = models.TextField(max_length=4000)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.proposal_id} escalated by {self.by_name}"


class ChangeRequestQuerySet(models.QuerySet["ChangeRequest"]):
    def waiting(self) -> "ChangeRequestQuerySet":
        """Neither answered nor withdrawn."""
        return self.filter(answer=None, withdrawn_at=None)


class ChangeRequest(models.Model):
    """Back to the writer with a note. It waits until a newer wording replaces the proposal, or it is withdrawn."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="change_requests")
    by = person("change_requests")
    by_name = models.CharField(max_length=255)
    note = models.TextField(max_length=4000)
    at = models.DateTimeField(db_default=Now())
    answer = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="answers")
    withdrawn_at = models.DateTimeField(null=True)

    objects = ChangeRequestQuerySet.as_manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["proposal"],
                condition=models.Q(answer=None, withdrawn_at=None),
                name="one_change_request_at_a_time",
            )
        ]

    def __str__(self) -> str:
        return f"{self.by_name} asks for changes of {self.proposal_id}"

    @property
    def is_waiting(self) -> bool:
        return self.answer_id is None and self.withdrawn_at is None
