from datetime import timedelta

from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from memory.models import Memory, Proposal
from reviews.models.fields import person
from sessions.models import Session

DUE = timedelta(days=7)


def due() -> object:
    return timezone.now() + DUE


class EvidenceReview(models.Model):
    """A live memory whose evidence was withdrawn, until a reviewer says that it stands, or proposes a change."""

    class State(models.TextChoices):
        WAITING = "waiting", "waits for a reviewer"
        STANDS = "stands", "still stands"
        CHANGED = "changed", "a change was proposed"

    memory = models.ForeignKey(Memory, on_delete=models.PROTECT, related_name="evidence_reviews")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    due_at = models.DateTimeField(default=due)
    created_at = models.DateTimeField(db_default=Now())
    by = person("evidence_reviews", null=True)
    by_name = models.CharField(max_length=255, blank=True)
    reason = models.TextField(max_length=4000, blank=True)
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="evidence_review")
    closed_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["due_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["memory"], condition=models.Q(state="waiting"), name="one_waiting_evidence_review_a_memory"
            )
        ]

    def __str__(self) -> str:
        return f"evidence_review of memory {self.memory_id}: {self.state}"

    @property
    def is_late(self) -> bool:
        return self.state == self.State.WAITING and self.due_at < timezone.now()


class EvidenceReviewCause(models.Model):
    """A session that the memory rests on, and what became of it."""

    class Why(models.TextChoices):
        ERASED = "erased", "its content was erased"
        RELABELLED = "relabelled", "its outcome was corrected"
        POISONED = "poisoned", "it was marked as poisoned"

    evidence_review = models.ForeignKey(EvidenceReview, on_delete=models.PROTECT, related_name="causes")
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="+")
    why = models.CharField(max_length=10, choices=Why)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["evidence_review", "session", "why"], name="cause_once_a_evidence_review")
        ]

    def __str__(self) -> str:
        return f"session {self.session_id}: {self.why}"
