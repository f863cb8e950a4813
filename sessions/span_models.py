"""Spans that wait to become a session. See `sessions.telemetry`."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now


class TraceQuerySet(models.QuerySet["Trace"]):
    def waiting(self) -> "TraceQuerySet":
        return self.filter(assembled_at=None)


class Trace(models.Model):
    """One trace of an agent. `assembled_at` is set once its spans became events of a session, or told of none."""

    agent = models.ForeignKey("agent_sessions.Agent", on_delete=models.PROTECT, related_name="+")
    trace_id = models.CharField(max_length=32)
    conversation = models.TextField(blank=True, help_text="Traces of one conversation become one session")
    has_root = models.BooleanField(default=False)
    spans = models.PositiveIntegerField(default=0)
    size = models.BigIntegerField(default=0, help_text="Bytes of the spans that wait")
    unknown = models.PositiveIntegerField(default=0, help_text="Spans that no dialect knows; they are not kept")
    late = models.PositiveIntegerField(default=0, help_text="Spans that came after the session was made")
    received_at = models.DateTimeField(db_default=Now(), help_text="When the last span came")
    assembled_at = models.DateTimeField(null=True)
    external_id = models.CharField(max_length=255, blank=True, help_text="Of the session; '' if there is none")
    seen = ArrayField(models.CharField(max_length=16), default=list, help_text="What was said, as short hashes")

    objects = TraceQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "trace_id"], name="trace_once_per_agent")]
        indexes = [
            models.Index(fields=["received_at"], condition=models.Q(assembled_at=None), name="trace_waiting"),
            models.Index(
                fields=["agent", "conversation"], condition=~models.Q(conversation=""), name="trace_conversation"
            ),
            models.Index(fields=["assembled_at"], name="trace_assembled"),
        ]

    def __str__(self) -> str:
        return self.trace_id


class TraceSpan(models.Model):
    """One span as it was sent, without its secrets. Its body goes when it became events; that of a late one stays."""

    trace = models.ForeignKey(Trace, on_delete=models.CASCADE, related_name="kept_spans", db_index=False)
    span_id = models.CharField(max_length=16)
    body = models.JSONField()
    is_late = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["trace", "span_id"], name="span_once_per_trace")]

    def __str__(self) -> str:
        return self.span_id
