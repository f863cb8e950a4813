"""What was learned of a session after it came in: that it ended otherwise, or that it is not to be learned from."""

from django.db import models
from django.db.models.functions import Now


class OutcomeCorrection(models.Model):
    """How a session's outcome was said to be before somebody corrected it, and what it was corrected to."""

    session = models.ForeignKey("agent_sessions.Session", on_delete=models.PROTECT, related_name="corrections")
    earlier = models.CharField(max_length=8)
    earlier_score = models.FloatField(null=True)
    earlier_source = models.TextField(blank=True)
    earlier_detail = models.TextField(blank=True)
    outcome = models.CharField(max_length=8)
    reason = models.TextField(max_length=4000)
    by_id = models.CharField(max_length=255)
    by_name = models.CharField(max_length=255)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.session_id}: {self.earlier} was {self.outcome}"


class Poisoning(models.Model):
    """A session that is not to be learned from: planted, manipulated, or a test that looks real."""

    session = models.OneToOneField(
        "agent_sessions.Session", on_delete=models.PROTECT, primary_key=True, related_name="poisoning"
    )
    reason = models.TextField(max_length=4000)
    by_id = models.CharField(max_length=255)
    by_name = models.CharField(max_length=255)
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.session_id} is poisoned"
