from collections.abc import Iterable

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Coalesce, Now
from simple_history.models import HistoricalRecords

from audit.erasure_models import Erasure, erasure_of
from sessions.models import Agent, Session, slug_validator

MAX_CONTENT_BYTES = 102_400


class MemoryStoreQuerySet(models.QuerySet["MemoryStore"]):
    def with_open_counts(self) -> "MemoryStoreQuerySet":
        live = models.Q(memories__head__isnull=False)
        waiting = models.Q(proposals__status=Proposal.Status.OPEN)
        return self.annotate(
            live_count=models.Count("memories", filter=live, distinct=True),
            open_count=models.Count("proposals", filter=waiting, distinct=True),
        )


class MemoryStore(models.Model):
    """A named collection of memories that agents are attached to. `revision` grows by one with every publication."""

    name = models.CharField(max_length=100, unique=True, validators=[slug_validator])
    description = models.CharField(max_length=1024, blank=True, default="")
    metadata = models.JSONField(
        default=dict, blank=True, help_text="At most 16 pairs of strings, for their owner's use"
    )
    revision = models.PositiveBigIntegerField(default=0)
    agents = models.ManyToManyField(Agent, related_name="stores", blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    changed_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Description, metadata, archiving"
    )
    archived_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when it is only read: for good"
    )
    stopped_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="Since when nothing is published"
    )
    stopped_by = models.CharField(max_length=255, blank=True, editable=False)
    stop_reason = models.TextField(blank=True, editable=False)
    served_revision = models.PositiveBigIntegerField(
        null=True, blank=True, editable=False, help_text="The earlier revision that agents get while it is stopped"
    )

    objects = MemoryStoreQuerySet.as_manager()
    history = HistoricalRecords(excluded_fields=["revision"], m2m_fields=[agents])

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(served_revision=None) | models.Q(stopped_at__isnull=False),
                name="earlier_revision_only_while_stopped",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def is_gated(self) -> bool:
        """One gated agent gates the whole store; a store that nobody reads is gated too."""
        modes = set(self.agents.values_list("mode", flat=True))
        return modes != {Agent.Mode.AUTO}

    @property
    def revision_served(self) -> int:
        """The newest revision, or the earlier one that a stop serves."""
        return self.revision if self.served_revision is None else self.served_revision

    def served_versions(self) -> models.QuerySet["MemoryVersion"]:
        """What its agents get now: the live versions, or those of the earlier revision that a stop serves."""
        if self.served_revision is None:
            return self.versions.filter(head_of__isnull=False).order_by("path")
        return self.versions_at(self.served_revision)

    def versions_at(self, revision: int) -> models.QuerySet["MemoryVersion"]:
        """The store as it was published at a revision: the newest version of each memory up to then."""
        upto = self.versions.filter(revision__lte=revision)
        newest = upto.order_by("memory_id", "-revision").distinct("memory_id")
        kept = self.versions.filter(pk__in=newest.values("pk"))
        return kept.exclude(operation=MemoryVersion.Operation.DELETED).order_by("path")

    def sessions(self) -> models.QuerySet[Session]:
        """The sessions that a dream over this store may read: neither erased nor poisoned ones."""
        return Session.objects.filter(agent__stores=self).usable()


class MemoryQuerySet(models.QuerySet["Memory"]):
    def live(self, store_id: int) -> "MemoryQuerySet":
        """What the store's agents read now, with its text."""
        return self.filter(store_id=store_id, head__isnull=False).select_related("head")


class Memory(models.Model):
    """A text document at a path in a store. `head` is the version that agents read; none when deleted."""

    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="memories")
    path = models.CharField(max_length=255)
    head = models.OneToOneField("MemoryVersion", on_delete=models.PROTECT, null=True, related_name="head_of")
    created_at = models.DateTimeField(db_default=Now())

    objects = MemoryQuerySet.as_manager()

    class Meta:
        ordering = ["path"]
        verbose_name_plural = "memories"
        constraints = [
            models.UniqueConstraint(
                fields=["store", "path"],
                condition=models.Q(head__isnull=False),
                name="one_live_memory_a_path",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.store_id}:{self.path}"


class MemoryVersion(models.Model):
    """The immutable text of a memory at one revision of its store. Only ever inserted, by `publish()`."""

    class Operation(models.TextChoices):
        CREATED = "created"
        MODIFIED = "modified"
        DELETED = "deleted"

    memory = models.ForeignKey(Memory, on_delete=models.PROTECT, related_name="versions")
    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="versions")
    revision = models.PositiveBigIntegerField()
    operation = models.CharField(max_length=8, choices=Operation)
    path = models.CharField(max_length=255)
    content = models.TextField()
    sha256 = models.CharField(max_length=64)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-revision"]
        constraints = [models.UniqueConstraint(fields=["store", "revision"], name="one_version_a_revision")]
        indexes = [
            models.Index(fields=["created_at"], include=["operation"], name="version_by_time"),
            models.Index(fields=["store", "created_at", "revision"], name="version_of_store_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.path} r{self.revision}"

    @property
    def is_erased(self) -> bool:
        """A version that has its text has its hash too, also when the text is empty."""
        return self.sha256 == ""

    @property
    def erasure(self) -> Erasure | None:
        """Who erased its text, when and on which legal basis."""
        return erasure_of(self)


class ProposalQuerySet(models.QuerySet["Proposal"]):
    def open(self) -> "ProposalQuerySet":
        return self.filter(status=Proposal.Status.OPEN)

    def rejected(self) -> "ProposalQuerySet":
        return self.filter(status=Proposal.Status.REJECTED)

    def in_earnest(self) -> "ProposalQuerySet":
        """Without the test items of reviews: for counts, and for what dreams know."""
        return self.filter(seed=None)

    def closed(self) -> "ProposalQuerySet":
        """Those that nothing is done about any more."""
        return self.filter(status__in=CLOSED)

    def touching(self, *, store_id: int, paths: Iterable[str], memory_id: int | None) -> "ProposalQuerySet":
        """Those that a publication at these paths, or of this memory, pulls the ground from under."""
        in_store = Proposal.objects.filter(store_id=store_id).order_by().values("pk")
        given = [path for path in paths if path]
        meets = [in_store.filter(new_path__in=given).exclude(new_path="")]
        if memory_id is not None:
            meets.append(in_store.filter(base_version__memory_id=memory_id))
        # Each of the three has its index; as one condition with OR they would have none.
        return self.filter(pk__in=in_store.filter(path__in=given).union(*meets))


CLOSED = ("approved", "rejected", "expired", "replaced")


class Proposal(models.Model):
    """One change to one memory against a named base version. What `digest` covers never changes (a trigger holds it)."""

    class Operation(models.TextChoices):
        CREATE = "create"
        UPDATE = "update"
        DELETE = "delete"
        RENAME = "rename"

    class Kind(models.TextChoices):
        RECURRING_FAILURE = "recurring_failure", "recurring failure"
        WORKAROUND = "workaround", "workaround"
        WORKFLOW = "workflow", "workflow"
        PREFERENCE = "preference", "preference"
        UPKEEP = "upkeep", "upkeep"
        WRITTEN = "written", "written"

    class Source(models.TextChoices):
        DREAM = "dream"
        IMPORT = "import"
        PERSON = "person"
        AGENT = "agent"

    class Status(models.TextChoices):
        OPEN = "open", "needs a decision"
        APPROVED = "approved", "approved"
        REJECTED = "rejected", "rejected"
        STALE = "stale", "stale: what it rests on changed"
        EXPIRED = "expired", "expired, not applied"
        REPLACED = "replaced", "replaced by a newer wording"

    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="proposals")
    operation = models.CharField(max_length=8, choices=Operation)
    path = models.CharField(max_length=255)
    new_path = models.CharField(max_length=255, blank=True)
    base_version = models.ForeignKey(MemoryVersion, on_delete=models.PROTECT, null=True, related_name="proposals")
    content = models.TextField(blank=True)
    kind = models.CharField(max_length=20, choices=Kind)
    title = models.TextField(help_text="The claim, in one sentence")
    rationale = models.TextField()
    source = models.CharField(max_length=8, choices=Source)
    source_ref = models.CharField(max_length=100, blank=True, help_text="Such as dream:12")
    proposer = models.CharField(max_length=255)
    proposer_kind = models.CharField(max_length=6, blank=True, help_text="user, agent or system")
    proposer_id = models.CharField(max_length=255, blank=True, help_text="Unique within the kind")
    claim_key = models.CharField(max_length=255, help_text="The same for the same claim, whoever brings it")
    text_key = models.CharField(max_length=64, help_text="SHA-256 of the normalised text")
    support = models.JSONField(default=dict)
    risk = ArrayField(models.CharField(max_length=40), default=list)
    digest = models.CharField(max_length=64, help_text="Of operation, path, base, text and evidence")
    status = models.CharField(max_length=8, choices=Status, default=Status.OPEN)
    status_reason = models.TextField(blank=True)
    benefit = models.FloatField(default=0, help_text="Expected benefit, for the order of the queue")
    created_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["store", "claim_key"],
                condition=models.Q(status="open"),
                name="one_open_proposal_a_claim",
            ),
            models.CheckConstraint(
                condition=models.Q(operation="create", base_version=None)
                | (~models.Q(operation="create") & models.Q(base_version__isnull=False)),
                name="proposal_names_its_base",
            ),
        ]
        indexes = [
            models.Index(fields=["status", "-benefit", "-id"], name="proposal_queue"),
            models.Index(fields=["status", "id"], name="proposal_by_status"),
            models.Index(
                models.Func(models.F("risk"), function="CARDINALITY").desc(),
                models.F("benefit").desc(),
                models.F("id").desc(),
                condition=models.Q(status="open"),
                name="open_by_flags",
            ),
            models.Index(
                fields=["-benefit", "-id"], condition=models.Q(status="open") & ~models.Q(risk=[]), name="open_flagged"
            ),
            GinIndex(fields=["risk"], condition=models.Q(status="open"), name="open_by_risk"),
            models.Index(fields=["store", "-benefit", "-id"], condition=models.Q(status="open"), name="open_by_store"),
            models.Index(fields=["store", "id"], condition=models.Q(status="open"), name="open_by_store_and_id"),
            models.Index(fields=["kind", "-benefit", "-id"], condition=models.Q(status="open"), name="open_by_kind"),
            models.Index(
                fields=["operation", "-benefit", "-id"], condition=models.Q(status="open"), name="open_by_operation"
            ),
            models.Index(fields=["created_at"], condition=models.Q(status="open"), name="open_by_age"),
            models.Index(
                fields=["proposer_kind", "proposer_id"], condition=models.Q(status="open"), name="open_by_proposer"
            ),
            models.Index(
                Coalesce("decided_at", "created_at").desc(),
                models.F("id").desc(),
                condition=models.Q(status__in=CLOSED),
                name="closed_newest_first",
            ),
            models.Index(
                models.F("store"),
                Coalesce("decided_at", "created_at").desc(),
                models.F("id").desc(),
                condition=models.Q(status__in=CLOSED),
                name="closed_by_store",
            ),
            models.Index(fields=["store", "path"], name="proposal_by_path"),
            models.Index(fields=["store", "new_path"], condition=~models.Q(new_path=""), name="proposal_by_new_path"),
            models.Index(fields=["store", "claim_key"], name="proposal_by_claim"),
            models.Index(fields=["store", "text_key"], name="proposal_by_text"),
            models.Index(
                fields=["created_at"],
                include=["store"],
                condition=models.Q(status="open"),
                name="proposal_waiting_since",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.public_id} {self.operation} {self.path}"

    @property
    def public_id(self) -> str:
        return f"prop_{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.status == self.Status.OPEN

    @property
    def is_erased(self) -> bool:
        return self.digest == ""

    @property
    def erasure(self) -> Erasure | None:
        """Who erased its words, when and on which legal basis."""
        return erasure_of(self)


class Evidence(models.Model):
    """An exact quote of one event, for or against a proposal."""

    class Stance(models.TextChoices):
        SUPPORTS = "supports"
        CONTRADICTS = "contradicts"

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="evidence")
    session = models.ForeignKey(Session, on_delete=models.PROTECT, related_name="cited_by")
    seq = models.BigIntegerField()
    quote = models.TextField()
    stance = models.CharField(max_length=11, choices=Stance)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = "evidence"
        constraints = [
            models.UniqueConstraint(fields=["proposal", "session", "seq", "stance", "quote"], name="evidence_once"),
        ]

    def __str__(self) -> str:
        return f"{self.stance} {self.session_id}:{self.seq}"

    @property
    def is_erased(self) -> bool:
        """Erased quotes are told apart by their ids: two of the same event stay two."""
        return self.quote == f"erased:{self.pk}"


class MemoryRead(models.Model):
    """Which revision of a store a session was served, and which versions of it, where it was a part.

    `versions` names each by the revision that brought it; null stands for all that the revision held.
    """

    agent = models.ForeignKey(Agent, on_delete=models.PROTECT, related_name="memory_reads")
    session_external_id = models.CharField(max_length=255)
    store = models.ForeignKey(MemoryStore, on_delete=models.PROTECT, related_name="reads")
    revision = models.PositiveBigIntegerField()
    versions = ArrayField(models.BigIntegerField(), null=True, blank=True)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                "agent",
                "session_external_id",
                "store",
                "revision",
                models.Func(models.F("versions"), function="daylight_versions_key_v1"),
                name="read_once_a_revision",
            ),
        ]
        indexes = [models.Index(fields=["store", "revision", "id"], name="read_by_revision")]

    def __str__(self) -> str:
        return f"{self.session_external_id} read r{self.revision}"


from memory.policy_changes import PolicyChange  # noqa: E402, F401  (a model of this app)
