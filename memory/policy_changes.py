"""A policy that would ask less of people is loosened by two: one proposes it, another confirms it. Tightening needs one."""

from typing import Any

from django.contrib.auth.models import User
from django.db import models
from django.db.models.functions import Now

from sessions.models import Agent


class PolicyChange(models.Model):
    """A loosening that somebody proposed: of an agent's settings, or of how a store is reviewed."""

    class State(models.TextChoices):
        PENDING = "pending", "waits for a second admin"
        CONFIRMED = "confirmed", "confirmed"
        REFUSED = "refused", "refused"
        MOVED = "moved", "could not be confirmed: the settings changed since"

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, null=True, related_name="policy_changes")
    store = models.ForeignKey("memory.MemoryStore", on_delete=models.PROTECT, null=True, related_name="policy_changes")
    before = models.JSONField()
    after = models.JSONField()
    looser = models.JSONField(help_text="What it would loosen, a sentence each")
    proposed_by = models.CharField(max_length=255, help_text="The actor's id")
    proposed_by_name = models.CharField(max_length=255)
    proposed_at = models.DateTimeField(db_default=Now())
    state = models.CharField(max_length=9, choices=State, default=State.PENDING)
    answered_by = models.CharField(max_length=255, blank=True)
    answered_by_name = models.CharField(max_length=255, blank=True)
    note = models.TextField(blank=True)
    answered_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["agent"], condition=models.Q(state="pending"), name="one_pending_change_an_agent"
            ),
            models.UniqueConstraint(
                fields=["store"], condition=models.Q(state="pending"), name="one_pending_change_a_store"
            ),
            models.CheckConstraint(
                condition=models.Q(agent=None, store__isnull=False) | models.Q(agent__isnull=False, store=None),
                name="policy_change_of_one_thing",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="confirmed")
                | ~models.Q(answered_by="") & ~models.Q(answered_by=models.F("proposed_by")),
                name="policy_change_confirmed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.about}: {self.state}"

    @property
    def about(self) -> str:
        return f"agent {self.agent}" if self.agent else f"review of {self.store}"

    @property
    def subject(self) -> str:
        """As the record names it."""
        return f"agent:{self.agent_id}" if self.agent_id else f"store:{self.store_id}"

    @property
    def differences(self) -> list[tuple[str, Any, Any]]:
        """What would change: its name, before and after."""
        return [
            (name.replace("_", " "), self.before.get(name), value)
            for name, value in self.after.items()
            if value != self.before.get(name)
        ]

    def is_by(self, user: User) -> bool:
        return self.proposed_by == str(user.pk)
