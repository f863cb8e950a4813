from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models.functions import Now

from dreaming.mirror_models import Mirror, MirroredMemory, remote_store_validator
from memory.models import MemoryStore, Proposal
from sessions.models import Session

__all__ = ["Mirror", "MirroredMemory"]


class SessionDigest(models.Model):
    """What mining needs of one session, computed once. `version` is that of the code that computed it."""

    session = models.OneToOneField(Session, on_delete=models.CASCADE, primary_key=True, related_name="digest")
    version = models.PositiveIntegerField()
    data = models.JSONField()

    def __str__(self) -> str:
        return f"digest of {self.session_id}"


class Engine(models.TextChoices):
    MINING = "mining", "Mining: counting and statistics, no model"
    CLAUDE = "claude", "Claude: words and judges what mining finds, and reads sessions for more"
    ANTHROPIC_DREAMS = "anthropic-dreams", "Anthropic Dreams: their dream over a mirrored store, our gate"


class SessionNotes(models.Model):
    """What a model saw in one session that counting cannot: written once per prompt and model, read by every pass."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="notes")
    prompt_hash = models.CharField(max_length=64)
    model = models.CharField(max_length=100)
    data = models.JSONField(help_text="Observations, each with quotes that were checked")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        verbose_name_plural = "session notes"
        constraints = [
            models.UniqueConstraint(fields=["session", "prompt_hash", "model"], name="notes_once_a_prompt"),
        ]

    def __str__(self) -> str:
        return f"notes on {self.session_id}"


def max_cost_field() -> models.DecimalField:
    return models.DecimalField(
        "at most, in USD",
        max_digits=8,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(Decimal("0.01"))],
        help_text="What one pass may pay for a model; empty: as much as the deployment allows.",
    )


class DreamPolicy(models.Model):
    """How a store dreams when nobody asks it to."""

    class Schedule(models.TextChoices):
        OFF = "off", "only on demand"
        HOURLY = "hourly", "every hour"
        DAILY = "daily", "every night at 02:00 UTC"
        WEEKLY = "weekly", "every Monday at 02:00 UTC"

    store = models.OneToOneField(MemoryStore, on_delete=models.CASCADE, related_name="dream_policy")
    schedule = models.CharField(max_length=8, choices=Schedule, default=Schedule.OFF)
    engine = models.CharField(max_length=20, choices=Engine, default=Engine.MINING)
    window = models.CharField(
        max_length=20,
        default="all",
        help_text="all, a number of days such as 30d, or a number of newest sessions such as 500",
    )
    max_proposals = models.PositiveSmallIntegerField(
        default=12, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    max_cost = max_cost_field()
    remote_store = models.CharField(
        "mirrors at Anthropic",
        max_length=100,
        blank=True,
        validators=[remote_store_validator],
        help_text="The memory store at Anthropic that this store mirrors; only the engine Anthropic Dreams needs it.",
    )

    def __str__(self) -> str:
        return f"{self.store_id} {self.schedule}"


class DreamQuerySet(models.QuerySet["Dream"]):
    def unfinished(self) -> "DreamQuerySet":
        return self.filter(status__in=[Dream.Status.PENDING, Dream.Status.RUNNING])

    def with_counts(self) -> "DreamQuerySet":
        return self.annotate(
            proposed_count=models.Count("findings", filter=models.Q(findings__proposal__isnull=False)),
            discarded_count=models.Count("findings", filter=models.Q(findings__proposal=None, findings__isnull=False)),
        )


class Dream(models.Model):
    """One pass over sessions and a store snapshot."""

    class Status(models.TextChoices):
        PENDING = "pending"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"
        CANCELED = "canceled"

    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="dreams")
    engine = models.CharField(max_length=20, choices=Engine, default=Engine.MINING)
    window = models.CharField(max_length=20, default="all")
    max_proposals = models.PositiveSmallIntegerField(
        default=12, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    status = models.CharField(max_length=9, choices=Status, default=Status.PENDING)
    requested_by = models.CharField(max_length=255)
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=40, blank=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    base_revision = models.PositiveBigIntegerField(null=True)
    sessions = models.PositiveIntegerField(default=0)
    events = models.PositiveBigIntegerField(default=0)
    manifest = models.JSONField(default=dict)
    usage = models.JSONField(default=dict)
    cost = models.DecimalField(max_digits=10, decimal_places=4, default=0, help_text="USD, by the configured prices")
    max_cost = max_cost_field()
    estimate = models.JSONField(default=dict, help_text="Tokens and USD, counted before the first paid call")
    batched = models.BooleanField(default=False, help_text="Nobody waits for it: notes may go by message batch")
    remote = models.JSONField(default=dict, help_text="What runs elsewhere for it, to be taken up again by id")
    error = models.TextField(blank=True)

    objects = DreamQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["store"],
                condition=models.Q(status__in=["pending", "running"]),
                name="one_dream_a_store_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return self.public_id

    @property
    def public_id(self) -> str:
        return f"dream_{self.pk}"

    @property
    def seconds(self) -> float | None:
        """How long it ran, once it has ended."""
        return (self.ended_at - self.started_at).total_seconds() if self.ended_at and self.started_at else None

    @property
    def is_unfinished(self) -> bool:
        return self.status in (self.Status.PENDING, self.Status.RUNNING)


class ModelAnswer(models.Model):
    """What a model answered in a dream, kept so that a pass that is taken up does not pay for it again."""

    dream = models.ForeignKey(Dream, on_delete=models.CASCADE, related_name="answers")
    about = models.CharField(max_length=255, help_text="The claim key, or what else was asked about")
    prompt_hash = models.CharField(max_length=64)
    model = models.CharField(max_length=100)
    data = models.JSONField(null=True, help_text="The typed answer; none when it could not be used")
    reason = models.TextField(blank=True, help_text="Why no answer could be used")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["dream", "about", "prompt_hash", "model"], name="answered_once_a_dream"),
        ]

    def __str__(self) -> str:
        return f"answer on {self.about}"


class Finding(models.Model):
    """A pattern that a dream measured: proposed, or discarded with its reason."""

    dream = models.ForeignKey(Dream, on_delete=models.CASCADE, related_name="findings")
    kind = models.CharField(max_length=20)
    title = models.TextField()
    claim_key = models.CharField(max_length=255)
    data = models.JSONField(default=dict)
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, related_name="findings")
    discarded_reason = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title
