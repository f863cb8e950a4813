from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from memory.models import Proposal
from reviews.models.decisions import Decision
from reviews.models.fields import person


class WaiverQuerySet(models.QuerySet["Waiver"]):
    def waiting(self) -> "WaiverQuerySet":
        """Those that nobody looked at again yet, the one due first in front."""
        return self.filter(answer=None).order_by("due_at", "pk")

    def overdue(self) -> "WaiverQuerySet":
        return self.waiting().filter(due_at__lt=Now())


class Waiver(models.Model):
    """One person published where two are asked: why, and until when somebody else has to look again. Only inserted."""

    class Kind(models.TextChoices):
        WAIVER = "waiver", "the second person was waived"
        EMERGENCY = "emergency", "an emergency: published at once"

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="waiver")
    kind = models.CharField(max_length=9, choices=Kind)
    reason = models.TextField()
    by = person("waivers")
    by_name = models.CharField(max_length=255)
    due_at = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    objects = WaiverQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["due_at"], name="waiver_by_due")]
        constraints = [models.CheckConstraint(condition=~models.Q(reason=""), name="waiver_has_a_reason")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.decision_id}"

    @property
    def is_overdue(self) -> bool:
        return self.due_at < timezone.now()


class ReReview(models.Model):
    """What another person made of a waived decision. Only ever inserted."""

    class Outcome(models.TextChoices):
        CONFIRMED = "confirmed", "looked at again and confirmed"
        REVERTED = "reverted", "looked at again; its reverse was put forward"

    waiver = models.OneToOneField(Waiver, on_delete=models.PROTECT, related_name="answer")
    outcome = models.CharField(max_length=9, choices=Outcome)
    by = person("re_reviews")
    by_name = models.CharField(max_length=255)
    note = models.TextField()
    reversal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="re_review")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        constraints = [models.CheckConstraint(condition=~models.Q(note=""), name="re_review_has_a_note")]

    def __str__(self) -> str:
        return f"{self.outcome} {self.waiver_id}"
