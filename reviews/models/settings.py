from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from simple_history.models import HistoricalRecords

from memory.models import MemoryStore


def share(help_text: str, default: int) -> models.PositiveSmallIntegerField:
    """A share in percent."""
    return models.PositiveSmallIntegerField(default=default, validators=[MaxValueValidator(100)], help_text=help_text)


class ReviewSettings(models.Model):
    """How the proposals of one store are reviewed. A store without a row is reviewed by the defaults."""

    class FourEyes(models.TextChoices):
        NEVER = "never", "one reviewer decides"
        FLAGGED = "flagged", "two people for what is flagged, deletes or is escalated"
        ALWAYS = "always", "two people for everything"

    store = models.OneToOneField(MemoryStore, on_delete=models.CASCADE, related_name="review_settings")
    four_eyes = models.CharField("four eyes", max_length=7, choices=FourEyes, default=FourEyes.NEVER)
    signatures = models.BooleanField(default=False, help_text="Every decision is signed: name, time, meaning")
    signing_break_minutes = models.PositiveSmallIntegerField(
        default=15,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
        help_text="After so long without signing, and after every log-in, a signature asks for password and code again",
    )
    waivers_allowed = models.BooleanField(
        default=False,
        help_text="One person may publish where two are asked, with a reason; somebody looks again within a day",
    )
    hold_back_seconds = models.PositiveSmallIntegerField(
        default=0,
        validators=[MaxValueValidator(600)],
        help_text="How long a decision can be taken back before it takes effect; 0: at once",
    )
    target_hours = models.PositiveSmallIntegerField(
        default=72, validators=[MinValueValidator(1)], help_text="The age by which a proposal should be decided"
    )
    expires_after_days = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1)],
        help_text="After so many days without a decision a proposal expires: it is not applied",
    )
    bulk_allowed = models.BooleanField(default=False, help_text="Low-risk proposals may be approved several at once")
    bulk_cap = models.PositiveSmallIntegerField(
        default=20, validators=[MinValueValidator(2), MaxValueValidator(50)], help_text="How many at once, at most"
    )
    blind_share = share("Percent of the proposals that are shown evidence first, without rationale and numbers", 10)
    second_look_share = share("Percent of what the policy lets through that a person looks at again", 10)
    reversals_to_gate = models.PositiveSmallIntegerField(
        default=3,
        validators=[MinValueValidator(1)],
        help_text="So many reversals of what the policy let through, within 30 days, gate the store's agents",
    )
    keep_sessions_days = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(183)],
        help_text="The content of sessions older than so many days is erased; empty: it is kept",
    )
    remind_by_mail = models.TextField(
        blank=True, help_text="Addresses, one a line, that get the daily digest of what waits"
    )
    webhook_url = models.URLField(
        blank=True, max_length=500, help_text="Gets the daily digest as JSON that Slack understands"
    )

    history = HistoricalRecords()

    class Meta:
        verbose_name_plural = "review settings"

    def __str__(self) -> str:
        return f"review of store {self.store_id}"

    @classmethod
    def of(cls, store: MemoryStore) -> "ReviewSettings":
        """The store's settings; the defaults, unsaved, when nobody set any."""
        return cls.objects.filter(store=store).first() or cls(store=store)
