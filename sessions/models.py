import hashlib
import secrets

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models.functions import Now
from simple_history.models import HistoricalRecords

from audit.erasure_models import Erasure, erasure_of

slug_validator = RegexValidator(
    r"^[a-z0-9][a-z0-9._-]{0,99}\Z",
    "Use 1 to 100 lower-case letters, digits, dots, dashes or underscores, beginning with a letter or digit.",
)


class Agent(models.Model):
    """A named producer of sessions and reader of memory."""

    class Mode(models.TextChoices):
        GATED = "gated", "Gated: a person decides every proposal"
        AUTO = "auto", "Auto: plain, unflagged new memories over the thresholds go live by policy"

    slug = models.CharField(max_length=100, unique=True, validators=[slug_validator])
    mode = models.CharField(max_length=8, choices=Mode, default=Mode.GATED)
    auto_min_sessions = models.PositiveIntegerField(
        "sessions needed for auto",
        default=10,
        validators=[MinValueValidator(2)],
        help_text="In auto mode a proposal needs at least so many distinct supporting sessions.",
    )
    auto_min_agents = models.PositiveIntegerField(
        "agents needed for auto",
        default=2,
        validators=[MinValueValidator(1)],
        help_text="… and was found in sessions of at least so many distinct agents.",
    )
    auto_own_writes = models.BooleanField(
        "its own writes by policy",
        default=False,
        help_text="In auto mode, what the agent itself asks to have remembered goes live as well, when nothing is flagged.",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    history = HistoricalRecords()

    class Meta:
        ordering = ["slug"]

    def __str__(self) -> str:
        return self.slug


def hash_secret(secret: str) -> str:
    """Keys have 256 random bits, so one round of SHA-256 keeps them."""
    return hashlib.sha256(secret.encode()).hexdigest()


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def usable(self) -> "ApiKeyQuerySet":
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=Now())
        return self.filter(unexpired, revoked_at=None)

    def with_state(self) -> "ApiKeyQuerySet":
        """With `has_expired` and `was_replaced`."""
        later = ApiKey.objects.filter(replaces=models.OuterRef("pk"))
        has_expired = models.Q(expires_at__isnull=False, expires_at__lte=Now())
        return self.annotate(
            was_replaced=models.Exists(later),
            has_expired=models.ExpressionWrapper(has_expired, output_field=models.BooleanField()),
        )


class ApiKey(models.Model):
    """A credential, `dl_{public_id}_{secret}`: an agent's, or, to manage stores, nobody's in particular.

    Only the hash of the secret is kept.
    """

    class Scope(models.TextChoices):
        INGEST = "ingest", "send sessions"
        READ = "read", "read approved memory"
        PROPOSE = "propose", "propose changes to memory"
        MANAGE = "manage", "manage memory stores"

    AGENT_SCOPES = [choice for choice in Scope.choices if choice[0] != "manage"]

    agent = models.ForeignKey(
        Agent, on_delete=models.PROTECT, related_name="api_keys", null=True, help_text="None with the scope manage"
    )
    public_id = models.CharField(max_length=16, unique=True)
    secret_hash = models.CharField(max_length=64)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope))
    label = models.CharField(max_length=100, blank=True)
    issued_by = models.CharField(max_length=255)
    issued_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)
    per_minute = models.PositiveIntegerField(
        default=3_000, validators=[MinValueValidator(1)], help_text="Requests a minute that it may make"
    )
    replaces = models.OneToOneField(
        "self", on_delete=models.PROTECT, null=True, blank=True, related_name="replaced_by", help_text="Rotated from"
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-issued_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(agent=None, scopes=["manage"])
                | models.Q(agent__isnull=False) & ~models.Q(scopes__contains=["manage"]),
                name="key_of_an_agent_or_to_manage",
            )
        ]

    def __str__(self) -> str:
        return f"dl_{self.public_id}_…"

    def matches(self, secret: str) -> bool:
        return secrets.compare_digest(self.secret_hash, hash_secret(secret))


class SessionQuerySet(models.QuerySet["Session"]):
    def newest_first(self) -> "SessionQuerySet":
        return self.order_by("-occurred_at", "-id")

    def usable(self) -> "SessionQuerySet":
        """Those that may be learned from: neither erased nor poisoned."""
        return self.filter(poisoning=None).exclude(sha256="")


class Session(models.Model):
    """One run of an agent on one task. Written by ingest; later only its outcome is corrected, or its content erased."""

    class Outcome(models.TextChoices):
        SUCCESS = "success"
        FAILURE = "failure"
        PARTIAL = "partial"
        UNKNOWN = "unknown"

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="sessions")
    external_id = models.CharField("id", max_length=255, help_text="The producer's own id")
    task = models.TextField(blank=True)
    task_id = models.TextField(blank=True)
    principal = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome, default=Outcome.UNKNOWN)
    outcome_score = models.FloatField(null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(1)])
    outcome_source = models.TextField(blank=True)
    outcome_detail = models.TextField(blank=True)
    metadata = models.JSONField(default=dict)
    extra = models.JSONField(default=dict, help_text="Keys that format 1 does not name, kept as they came")
    redactions = models.JSONField(default=dict, help_text="Kind of secret → how many were taken out on the way in")
    event_count = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64, help_text="Of the session as it was sent")
    received_at = models.DateTimeField(db_default=Now())
    occurred_at = models.DateTimeField(help_text="started_at, or when it was received if that is not known or earlier")

    objects = SessionQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["agent", "external_id"], name="session_once_per_agent"),
            models.CheckConstraint(
                condition=models.Q(outcome__in=["success", "failure", "partial", "unknown"]),
                name="session_outcome_known",
            ),
        ]
        indexes = [
            models.Index(fields=["agent", "-occurred_at", "-id"], name="session_newest_first"),
            models.Index(fields=["-occurred_at", "-id"], name="session_of_all_newest"),
            models.Index(fields=["outcome", "-occurred_at", "-id"], name="session_outcome_newest"),
        ]

    def __str__(self) -> str:
        return self.external_id

    @property
    def is_erased(self) -> bool:
        return self.sha256 == ""

    @property
    def erasure(self) -> Erasure | None:
        """Who erased its content, when and on which legal basis."""
        return erasure_of(self)


class SessionCount(models.Model):
    """How many sessions of an agent began on a day (UTC) and ended so: what charts add up instead of the sessions.

    A trigger adds a row per statement, so that nobody waits for another; `fold_counts()` makes them few again.
    """

    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    outcome = models.CharField(max_length=8)
    number = models.IntegerField(help_text="Negative for sessions that were changed or taken away")

    class Meta:
        indexes = [models.Index(fields=["day"], include=["agent", "outcome", "number"], name="session_count_by_day")]

    def __str__(self) -> str:
        return f"{self.number} {self.outcome} on {self.day}"


class Event(models.Model):
    """One ordered step of a session. Text columns are '' where the producer sent nothing."""

    class Type(models.TextChoices):
        MESSAGE = "message"
        TOOL_CALL = "tool_call"
        TOOL_RESULT = "tool_result"
        CORRECTION = "correction"
        ERROR = "error"
        NOTE = "note"

    pk = models.CompositePrimaryKey("session_id", "seq")
    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    type = models.CharField(max_length=12, choices=Type)
    role = models.CharField(max_length=8, blank=True)
    text = models.TextField(blank=True)
    tool = models.TextField(blank=True)
    call_id = models.TextField(blank=True)
    input = models.TextField(blank=True, help_text="Serialised JSON")
    output = models.TextField(blank=True, help_text="The string itself, or serialised JSON")
    output_is_json = models.BooleanField(default=False)
    is_error = models.BooleanField(null=True)
    at = models.DateTimeField(null=True)
    duration_ms = models.FloatField(null=True)
    extra = models.JSONField(default=dict)

    class Meta:
        ordering = ["session_id", "seq"]

    def __str__(self) -> str:
        return f"{self.session_id}:{self.seq} {self.type}"

    @property
    def failed(self) -> bool:
        return self.type == self.Type.ERROR or bool(self.is_error)

    def says(self, quote: str) -> bool:
        """Whether `quote` stands, letter by letter, in one of the event's texts."""
        return bool(quote) and any(quote in text for text in (self.text, self.output, self.input))


class OpenSession(models.Model):
    """A session that is still running: what was sent of it so far, redacted. Closing it makes it a `Session`."""

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+")
    external_id = models.CharField(max_length=255)
    head = models.JSONField(help_text="The session without its events, as it was sent")
    redactions = models.JSONField(default=dict)
    bytes = models.PositiveBigIntegerField(default=0)
    event_count = models.PositiveIntegerField(default=0)
    next_seq = models.PositiveBigIntegerField(default=0, help_text="One more than the highest seq so far")
    opened_at = models.DateTimeField(db_default=Now())
    touched_at = models.DateTimeField(
        db_default=Now(), help_text="When something was last sent of it, or closing it failed"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["agent", "external_id"], name="open_session_once_per_agent")]
        indexes = [models.Index(fields=["touched_at"], name="open_session_idle")]

    def __str__(self) -> str:
        return f"{self.external_id}, running"


class OpenEvent(models.Model):
    """One event of a session that is still running, as JSON."""

    session = models.ForeignKey(OpenSession, on_delete=models.CASCADE, related_name="events", db_index=False)
    seq = models.BigIntegerField()
    body = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["session", "seq"], name="open_event_once")]

    def __str__(self) -> str:
        return f"{self.session_id}:{self.seq}"


class UnindexedSession(models.Model):
    """A session that waits for its index. Written in the transaction of ingest, so that none is forgotten."""

    session = models.OneToOneField(
        Session, on_delete=models.CASCADE, primary_key=True, db_constraint=False, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.session_id} waits for its index"


class SessionIndex(models.Model):
    """What a session is listed by. Derived from what is stored; `agent`, `occurred_at` and `outcome` are copies."""

    session = models.OneToOneField(Session, on_delete=models.CASCADE, primary_key=True, related_name="index")
    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="+", db_index=False)
    occurred_at = models.DateTimeField()
    outcome = models.CharField(max_length=8)
    tools = ArrayField(models.TextField(), help_text="Names in order of first use, the first 200 characters of each")
    failing_tools = ArrayField(models.TextField())
    error_count = models.PositiveIntegerField(help_text="Events that are errors, or are marked as one")
    about = SearchVectorField(help_text="Words of the principal (`p:…`) and of the task and its ids (`t:…`)")

    class Meta:
        indexes = [
            models.Index(fields=["-occurred_at", "-session"], name="index_newest_first"),
            models.Index(fields=["agent", "-occurred_at", "-session"], name="index_agent_newest"),
            models.Index(fields=["outcome", "-occurred_at", "-session"], name="index_outcome_newest"),
            models.Index(
                fields=["-occurred_at", "-session"], condition=models.Q(error_count__gt=0), name="index_failed_newest"
            ),
            GinIndex(fields=["tools"], name="index_tools"),
            GinIndex(fields=["failing_tools"], name="index_failing_tools"),
            GinIndex(fields=["about"], name="index_about"),
        ]

    def __str__(self) -> str:
        return f"index of {self.session_id}"


class SessionWords(models.Model):
    """The words of a stretch of a session: of whole events, or of a part of a long one."""

    session = models.ForeignKey(Session, on_delete=models.CASCADE, related_name="words", db_index=False)
    occurred_at = models.DateTimeField(help_text="That of the session: a search needs no other table")
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    start = models.PositiveIntegerField(default=0, help_text="Where in the texts of the first event the stretch begins")
    words = SearchVectorField(help_text="Lexemes of `sessions.words`; those of errors also as `e:…`")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["session", "first_seq", "start"], name="words_once_a_stretch"),
        ]
        indexes = [GinIndex(fields=["words"], name="session_words")]

    def __str__(self) -> str:
        return f"words of {self.session_id}:{self.first_seq}-{self.last_seq}"


from sessions.remote_models import RemoteSession, RemoteSource  # noqa: E402, F401  (Django finds models here)
from sessions.span_models import Trace, TraceSpan  # noqa: E402, F401
from sessions.withdrawal_models import OutcomeCorrection, Poisoning  # noqa: E402, F401
