from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from memory.models import MemoryVersion, Proposal
from reviews.models.fields import person
from reviews.models.signing import Signature


def signed(related_name: str) -> models.OneToOneField:
    """The signature, where the store asks for one."""
    return models.OneToOneField(Signature, on_delete=models.PROTECT, null=True, related_name=related_name)


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
    decider = person("decisions", null=True)
    decider_name = models.CharField(max_length=255)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64, help_text="Of what the decider saw")
    path = models.CharField(max_length=255, blank=True, help_text="As published")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the text as published")
    risk = ArrayField(models.CharField(max_length=40), default=list, help_text="Flags of the text as published")
    version = models.OneToOneField(MemoryVersion, on_delete=models.PROTECT, null=True, related_name="decision")
    signature = signed("decision")
    act = models.UUIDField(help_text="The audit entries of this act")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["decider_kind", "-id"], name="decision_by_decider"),
            models.Index(fields=["created_at"], include=["verdict", "decider_kind"], name="decision_by_time"),
        ]
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


class Vote(models.Model):
    """A first approval where two people are asked: it publishes nothing. Only ever inserted."""

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="votes")
    reader = person("votes")
    reader_name = models.CharField(max_length=255)
    reason = models.TextField(blank=True)
    digest = models.CharField(max_length=64, help_text="Of what the reader saw")
    signature = signed("vote")
    act = models.UUIDField(help_text="The audit entry of this act")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["proposal", "reader"], name="one_vote_a_reader")]

    def __str__(self) -> str:
        return f"{self.reader_name} on {self.proposal_id}"


class HeldBallot(models.Model):
    """A decision that can still be taken back. It takes effect through `decide()` when it is due."""

    class State(models.TextChoices):
        HELD = "held", "held back"
        UNDONE = "undone", "taken back"
        DONE = "done", "took effect"
        REFUSED = "refused", "could not take effect"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="held_ballots")
    user = person("held_ballots")
    user_name = models.CharField(max_length=255)
    ballot = models.JSONField(help_text="Verdict, digest, reason, edit")
    signature = signed("held_ballot")
    due_at = models.DateTimeField()
    state = models.CharField(max_length=7, choices=State, default=State.HELD)
    outcome = models.TextField(blank=True, help_text="Why it could not take effect")
    dismissed_at = models.DateTimeField(null=True, help_text="When the reviewer had read that")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        indexes = [
            models.Index(fields=["due_at"], condition=models.Q(state="held"), name="held_ballots_due"),
            models.Index(
                fields=["user"],
                condition=models.Q(state="held") | models.Q(state="refused", dismissed_at=None),
                name="held_ballots_to_tell",
            ),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["proposal"], condition=models.Q(state="held"), name="one_held_ballot_a_proposal"
            )
        ]

    def __str__(self) -> str:
        return f"{self.user_name} on {self.proposal_id}: {self.state}"

    @property
    def verdict(self) -> str:
        """As it is said of a decision."""
        return Decision.Verdict(self.ballot["verdict"]).label

    @property
    def is_due(self) -> bool:
        return self.due_at <= timezone.now()
