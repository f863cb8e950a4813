"""What was erased, by whom and on which legal basis, and what must be kept."""

from django.db import models
from django.db.models.functions import Now


class Erasure(models.Model):
    """One act of erasing content. Only ever inserted; it never says what was erased, only where it stood.

    `transaction` is set by the database: the content goes in the transaction of its erasure, or stays.
    """

    class Scope(models.TextChoices):
        VERSION = "version", "a memory version"
        SESSION = "session", "a session"
        PRINCIPAL = "principal", "all of a principal"
        TEXT = "text", "an exact text, wherever it stands"
        RETENTION = "retention", "sessions past their retention"

    class LegalBasis(models.TextChoices):
        CONSENT_WITHDRAWN = "consent_withdrawn", "Consent withdrawn"
        NO_LONGER_NECESSARY = "gdpr_17_1_a", "GDPR 17(1)(a): no longer necessary"
        NO_CONSENT = "gdpr_17_1_b", "GDPR 17(1)(b): consent withdrawn, no other ground"
        OBJECTION = "gdpr_17_1_c", "GDPR 17(1)(c): objection"
        UNLAWFUL = "gdpr_17_1_d", "GDPR 17(1)(d): processed unlawfully"
        OBLIGATION = "gdpr_17_1_e", "GDPR 17(1)(e): legal obligation to erase"
        CHILD = "gdpr_17_1_f", "GDPR 17(1)(f): services offered to a child"
        CONTRACT = "contract", "Contract"
        RETENTION = "retention", "Retention period over"
        OTHER = "other", "Other, as the reason says"

    scope = models.CharField(max_length=9, choices=Scope)
    by_id = models.CharField(max_length=255)
    by_name = models.CharField(max_length=255)
    legal_basis = models.CharField(max_length=17, choices=LegalBasis)
    reason = models.TextField(max_length=4000)
    counts = models.JSONField(default=dict, help_text="Kind of row → how many were erased")
    act = models.UUIDField(help_text="The audit entry of this act")
    at = models.DateTimeField(db_default=Now())
    transaction = models.BigIntegerField(default=0, editable=False)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~models.Q(reason=""), name="erasure_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(legal_basis__in=["consent_withdrawn", "contract", "retention", "other"])
                | models.Q(legal_basis__startswith="gdpr_17_1_"),
                name="erasure_has_a_legal_basis",
            ),
        ]
        indexes = [models.Index(fields=["transaction"], name="erasure_by_transaction")]

    def __str__(self) -> str:
        return f"erasure {self.pk}"


class ErasedRow(models.Model):
    """A row whose content an erasure takes away: what the database's door looks for. Only ever inserted."""

    erasure = models.ForeignKey(Erasure, on_delete=models.PROTECT, related_name="rows")
    kind = models.CharField(max_length=40, help_text="The table")
    row_id = models.BigIntegerField()
    names = models.BooleanField(default=False, help_text="Also its path, or its id at the producer")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["erasure", "kind", "row_id"], name="erased_once_an_erasure")]
        indexes = [models.Index(fields=["kind", "row_id"], name="erased_by_row")]

    def __str__(self) -> str:
        return f"{self.kind} {self.row_id}"


def erasure_of(row: models.Model) -> Erasure | None:
    """The erasure that took the row's content; None for one that has it."""
    rows = ErasedRow.objects.filter(kind=row._meta.db_table, row_id=row.pk).select_related("erasure")
    found = rows.order_by("-id").first()
    return found.erasure if found else None


class LegalHoldQuerySet(models.QuerySet["LegalHold"]):
    def standing(self) -> "LegalHoldQuerySet":
        return self.filter(lifted_at=None)


class LegalHold(models.Model):
    """What must be kept: nothing of it is erased, whatever the reason, until the hold is lifted. A trigger keeps it as
    it was set; it can be lifted once.
    """

    class Kind(models.TextChoices):
        STORE = "store", "memory store"
        SESSION = "session", "session"
        PRINCIPAL = "principal", "principal"

    kind = models.CharField(max_length=9, choices=Kind)
    subject = models.TextField(help_text="The id of the store or session, or the principal as sessions name it")
    reason = models.TextField(max_length=4000)
    set_by_id = models.CharField(max_length=255)
    set_by_name = models.CharField(max_length=255)
    set_at = models.DateTimeField(db_default=Now())
    lifted_by_id = models.CharField(max_length=255, blank=True)
    lifted_by_name = models.CharField(max_length=255, blank=True)
    lifted_at = models.DateTimeField(null=True, blank=True)
    lift_reason = models.TextField(max_length=4000, blank=True)

    objects = LegalHoldQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"], condition=models.Q(lifted_at=None), name="one_standing_hold_a_subject"
            ),
            models.CheckConstraint(condition=~models.Q(reason=""), name="hold_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk} on a {self.kind}"
