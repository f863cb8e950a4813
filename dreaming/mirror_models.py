"""Memory stores at Anthropic that are kept like ours, and what is known of each memory there."""

from django.core.validators import RegexValidator
from django.db import models

from memory.models import MemoryStore, Proposal

remote_store_validator = RegexValidator(
    r"^memstore_[A-Za-z0-9_-]+\Z", "Give the id of a memory store, such as memstore_01AbC."
)


class Mirror(models.Model):
    """A memory store at Anthropic into which a store is published."""

    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="mirrors")
    remote_store = models.CharField(max_length=100, unique=True, validators=[remote_store_validator])
    follows = models.BooleanField(default=False, help_text="Published again whenever what agents get changes")
    revision = models.PositiveBigIntegerField(null=True, help_text="The last one that was published whole")
    ran_at = models.DateTimeField(null=True)
    counts = models.JSONField(default=dict, help_text="What the last run did")
    error = models.TextField(blank=True, help_text="Why the last run broke off")

    class Meta:
        ordering = ["remote_store"]

    def __str__(self) -> str:
        return f"{self.store_id} at {self.remote_store}"

    @property
    def apart(self) -> models.QuerySet["MirroredMemory"]:
        """What there is not as it is here, with a note that says why."""
        return self.memories.exclude(note="")


class MirroredMemory(models.Model):
    """A path of a mirror. Hashes are hexadecimal SHA-256 of the text; '' stands for no memory there."""

    mirror = models.ForeignKey(Mirror, on_delete=models.CASCADE, related_name="memories")
    path = models.TextField()
    sha256 = models.CharField(max_length=64, blank=True, help_text="As it was when it was last known to be ours")
    sent_sha256 = models.CharField(  # noqa: DJ001  ('' has a meaning)
        max_length=64, null=True, blank=True, help_text="What was asked for, while no answer came"
    )
    drift_sha256 = models.CharField(  # noqa: DJ001
        max_length=64, null=True, blank=True, help_text="What stands there that is not ours, and awaits a decision"
    )
    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(blank=True, help_text="Why it is not as it is here")

    class Meta:
        ordering = ["path"]
        constraints = [models.UniqueConstraint(fields=["mirror", "path"], name="mirrored_once_a_path")]

    def __str__(self) -> str:
        return self.path
