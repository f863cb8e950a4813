from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from memory.models import MemoryVersion, Proposal


class Decision(models.Model):
    """Approve, approve with edits, or reject: by whom, why, over which exact bytes. Only ever inserted."""

    class Verdict(models.TextChoices):
        APPROVE = "approve", "approved"
        APPROVE_WITH_EDITS = "approve_with_edits", "approved with edits"
        REJECT = "reject", "rejected"

    class DeciderKind(models.TextChoices):
        USER = "user"
        POLICY = "policy"

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="decision")
    verdict = models.CharField(max_length=18, choices=Verdict)
    decider_kind = models.CharField(max_length=6, choices=DeciderKind)
    # The name is copied: an account may go, its decisions stay.
    decider = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        null=True,
        related_name="decisions",
    )
    decider_name = models.CharField(max_length=255)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64, help_text="Of what the decider saw")
    path = models.CharField(max_length=255, blank=True, help_text="As published")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the text as published")
    risk = ArrayField(models.CharField(max_length=40), default=list, help_text="Flags of the text as published")
    version = models.OneToOneField(MemoryVersion, on_delete=models.PROTECT, null=True, related_name="decision")
    act = models.UUIDField(help_text="The audit entries of this act")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [models.Index(fields=["decider_kind", "-id"], name="decision_by_decider")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(verdict="reject", version=None)
                | (~models.Q(verdict="reject") & models.Q(version__isnull=False)),
                name="approval_publishes_a_version",
            ),
            models.CheckConstraint(
                condition=~models.Q(verdict="reject") | ~models.Q(reason=""), name="rejection_has_a_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(decider_kind="policy", decider=None)
                | models.Q(decider_kind="user", decider__isnull=False),
                name="decision_has_a_decider",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.proposal_id}"
