import json
from typing import Any

from django.db import models
from django.db.models.functions import Now

from audit.actions import ACTIONS


class EntryQuerySet(models.QuerySet["Entry"]):
    def about(self, subject: str) -> "EntryQuerySet":
        return self.filter(subject=subject)

    def in_store(self, store: str) -> "EntryQuerySet":
        return self.filter(store=store)


class Entry(models.Model):
    """One governed act in the tamper-evident record. Only ever inserted: grants and a trigger hold it so.

    `body` is the canonical bytes that `hash` covers; the other columns repeat it for searching.
    """

    seq = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    act = models.UUIDField(help_text="Groups the entries of one user act")
    action = models.CharField(max_length=64)
    actor_kind = models.CharField(max_length=16)
    actor_id = models.CharField(max_length=255)
    actor_name = models.CharField(max_length=255)
    store = models.CharField(max_length=100, blank=True)
    subject = models.CharField(max_length=255, help_text="kind:id, such as proposal:17")
    body = models.BinaryField()
    prev_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64, unique=True)

    objects = EntryQuerySet.as_manager()

    class Meta:
        ordering = ["-seq"]
        verbose_name_plural = "entries"
        indexes = [
            models.Index(fields=["subject", "-seq"], name="entry_by_subject"),
            models.Index(fields=["store", "-seq"], name="entry_by_store"),
            models.Index(fields=["act"], name="entry_by_act"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.action} {self.subject}"

    @property
    def data(self) -> dict[str, Any]:
        """What the act was about, read from the bytes that were hashed."""
        data: dict[str, Any] = json.loads(bytes(self.body))["data"]
        return data

    @property
    def label(self) -> str:
        return ACTIONS.get(self.action, self.action)


class Salt(models.Model):
    """What opens the HMACs of one entry. Deleted when the words are erased: from then on the entry proves nothing of them."""

    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, primary_key=True, related_name="salt")
    value = models.BinaryField()

    def __str__(self) -> str:
        return f"salt of entry {self.entry_id}"


class SigningKey(models.Model):
    """The public half of a key that signs checkpoints. The first is trusted as found; each later one is signed by the
    one before it.
    """

    key_id = models.CharField(max_length=16, primary_key=True)
    public_key = models.CharField(max_length=64, help_text="Ed25519, 32 bytes, hexadecimal")
    signed_by = models.CharField(max_length=16, blank=True, help_text="The key before it; none for the first")
    signature = models.CharField(max_length=128, blank=True, help_text="Of the public key, by the key before it")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["created_at"]

    def __str__(self) -> str:
        return self.key_id


class Checkpoint(models.Model):
    """A signed statement of how the record stood: its size, last hash and Merkle root. Only ever inserted.

    `roots` are the subtrees that the next checkpoint grows from; nothing rests on them but speed.
    """

    size = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField()
    body = models.BinaryField()
    key_id = models.CharField(max_length=16)
    signature = models.CharField(max_length=128, help_text="Ed25519, hexadecimal")
    roots = models.JSONField(default=list)

    class Meta:
        ordering = ["-size"]

    def __str__(self) -> str:
        return f"{self.size} entries, {self.at}"

    @property
    def line(self) -> dict[str, str]:
        """As it is written outside the database, exported and returned to agents."""
        return {"body": bytes(self.body).decode(), "signature": self.signature}


from audit.account_models import StartPassword  # noqa: E402, F401  (a model of this app)
from audit.erasure_models import ErasedRow, Erasure, LegalHold  # noqa: E402, F401  (Django finds models here)
