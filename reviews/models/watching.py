from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from memory.models import MemoryStore, Proposal
from reviews.models.decisions import Decision
from reviews.models.fields import person


class Reading(models.Model):
    """One person's reading of one proposal, for how well reviews go: never for a table of who is fastest.

    `dwell_seconds` is the time that the page was in view, as the page told; `blind` that the rationale and the
    numbers were held back at first.
    """

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="readings")
    user = person("readings")
    opened_at = models.DateTimeField(db_default=Now())
    dwell_seconds = models.PositiveIntegerField(default=0)
    evidence_opened = models.PositiveSmallIntegerField(default=0)
    blind = models.BooleanField(default=False)
    revealed_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "user"], name="one_reading_a_person")]
        indexes = [models.Index(fields=["-decided_at"], name="reading_by_decision")]

    def __str__(self) -> str:
        return f"{self.user_id} reads {self.proposal_id}"

    @property
    def holds_back(self) -> bool:
        """Whether rationale and numbers are not shown yet."""
        return self.blind and self.revealed_at is None


class SeedDraft(models.Model):
    """A test item that was ordered: the next dreams of its store file it among their own proposals.

    `commitment` stands in the record from the day of the order, and `salt` opens it once the item was answered.
    """

    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="seed_drafts")
    claim_key = models.CharField(max_length=255)
    draft = models.JSONField()
    flaw = models.TextField()
    salt = models.CharField(max_length=64)
    commitment = models.CharField(max_length=64)
    act = models.UUIDField(help_text="The audit entry of the order")
    planted_by = models.CharField(max_length=255)
    planted_at = models.DateTimeField(db_default=Now())
    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="seed_draft")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "claim_key"], name="one_seed_draft_a_claim")]

    def __str__(self) -> str:
        return f"test item {self.pk} of store {self.store_id}"


class Seed(models.Model):
    """A proposal that is known to be bad, put into the queue to see whether it is caught. A trigger keeps it from
    being published, whatever is decided.
    """

    proposal = models.OneToOneField(Proposal, on_delete=models.PROTECT, related_name="seed")
    flaw = models.TextField(help_text="What is wrong with it, told once it is answered")
    planted_by = models.CharField(max_length=255)
    planted_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"seed {self.proposal_id}"


class SeedAnswer(models.Model):
    """What a reviewer made of a seed."""

    seed = models.ForeignKey(Seed, on_delete=models.PROTECT, related_name="answers")
    user = person("seed_answers")
    user_name = models.CharField(max_length=255)
    verdict = models.CharField(max_length=18, choices=Decision.Verdict)
    reason = models.TextField(blank=True)
    caught = models.BooleanField()
    at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.user_name} {self.verdict} seed {self.seed_id}"


class SecondLook(models.Model):
    """A sampled decision of the policy, for a person to look at again."""

    class State(models.TextChoices):
        WAITING = "waiting", "waits for a second look"
        KEPT = "kept", "looked at and kept"
        REVERSED = "reversed", "reversed"

    decision = models.OneToOneField(Decision, on_delete=models.PROTECT, related_name="second_look")
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    sampled = models.BooleanField(default=True, help_text="Drawn by chance; else a person took it up unasked")
    by = person("second_looks", null=True)
    by_name = models.CharField(max_length=255, blank=True)
    note = models.TextField(blank=True)
    reversal = models.OneToOneField(Proposal, on_delete=models.PROTECT, null=True, related_name="reverses")
    created_at = models.DateTimeField(db_default=Now())
    answered_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["state", "-id"], name="second_look_by_state")]

    def __str__(self) -> str:
        return f"second look at {self.decision_id}: {self.state}"


class Gating(models.Model):
    """Agents were put back to gated, because too much of what the policy let through was reversed."""

    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="gatings")
    agents = ArrayField(models.CharField(max_length=100), help_text="Their names")
    reversals = models.PositiveSmallIntegerField()
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{', '.join(self.agents)} after {self.reversals} reversals"
