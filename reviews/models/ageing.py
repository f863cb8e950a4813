from django.db import models
from django.db.models.functions import Now

from memory.models import MemoryStore


class Reminder(models.Model):
    """One store's digest of one day for one recipient. The row is unique, so that whatever fires twice sends once."""

    class Channel(models.TextChoices):
        MAIL = "mail"
        WEBHOOK = "webhook"

    class State(models.TextChoices):
        WAITING = "waiting", "waits to be sent"
        SENDING = "sending", "is being sent"
        SENT = "sent", "sent"
        FAILED = "failed", "could not be sent"
        EMPTY = "empty", "nothing waited"

    store = models.ForeignKey(MemoryStore, on_delete=models.CASCADE, related_name="reminders")
    day = models.DateField()
    channel = models.CharField(max_length=7, choices=Channel)
    recipient = models.CharField(max_length=254, blank=True, help_text="The address of a mail")
    state = models.CharField(max_length=7, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.TextField(blank=True)
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "day", "channel", "recipient"], name="one_reminder_a_day")
        ]

    def __str__(self) -> str:
        return f"{self.channel} of {self.day}: {self.state}"
