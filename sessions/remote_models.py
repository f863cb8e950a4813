"""Where sessions are pulled from, and how far. See `sessions.pulling`."""

from django.db import models


class RemoteSource(models.Model):
    """An agent's sessions at Anthropic."""

    agent = models.ForeignKey("agent_sessions.Agent", on_delete=models.PROTECT, related_name="remote_sources")
    remote_agent = models.CharField(max_length=255, blank=True, help_text="Of this agent there alone; '' for all")
    is_followed = models.BooleanField(default=False, help_text="Pulled by the schedule too")
    cursor = models.DateTimeField(null=True, help_text="Sessions created before this are dealt with")
    pulled_at = models.DateTimeField(null=True)
    trouble = models.TextField(blank=True, help_text="Why the last pull ended early")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "remote_agent"], name="remote_source_once")]

    def __str__(self) -> str:
        return f"{self.remote_agent or 'all agents'} at Anthropic for {self.agent_id}"


class RemoteSession(models.Model):
    """How much of one session there is here."""

    source = models.ForeignKey(RemoteSource, on_delete=models.CASCADE, related_name="pulled", db_index=False)
    remote_id = models.CharField(max_length=255)
    updated_at = models.DateTimeField(help_text="As said there, when it was pulled")
    last_event = models.CharField(max_length=255, help_text="Id of the last event that is here")
    last_event_at = models.DateTimeField(null=True)
    parts = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "remote_id"], name="remote_session_once")]

    def __str__(self) -> str:
        return self.remote_id
