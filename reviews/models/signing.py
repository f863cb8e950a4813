from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from memory.models import Proposal
from reviews.models.fields import person


class Signature(models.Model):
    """Who stands for a decision or a vote, by full name, when, and meaning what; over exactly these bytes. Only inserted.

    `digest` covers every other column but the time. One signing request (`nonce`) signs a proposal at most once.
    """

    class Meaning(models.TextChoices):
        APPROVED = "approved", "I reviewed the evidence and approve this."
        EDITED = "edited", "I reviewed the evidence and am the author of the edit."
        REJECTED = "rejected", "I reviewed the evidence and reject this."
        ALONE = "alone", "I reviewed the evidence and approve this alone, where two people are asked."

    proposal = models.ForeignKey(Proposal, on_delete=models.PROTECT, related_name="signatures")
    signer = person("signatures")
    signer_name = models.CharField(max_length=255)
    meaning = models.CharField(max_length=8, choices=Meaning)
    verdict = models.CharField(max_length=18)
    proposal_digest = models.CharField(max_length=64)
    path = models.CharField(max_length=255, blank=True, help_text="As it would be published")
    content_sha256 = models.CharField(max_length=64, blank=True, help_text="Of the text as it would be published")
    reason_sha256 = models.CharField(max_length=64)
    nonce = models.CharField(max_length=32, help_text="Of the signing request")
    sitting = models.CharField(max_length=64, help_text="Hash of the log-in that it was made in")
    components = ArrayField(models.CharField(max_length=16), help_text="What was given: password, code")
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["signer", "-created_at"], name="signatures_of_a_person")]
        constraints = [models.UniqueConstraint(fields=["nonce", "proposal"], name="one_signature_a_request")]

    def __str__(self) -> str:
        return f"{self.signer_name} on {self.proposal_id}: {self.meaning}"


class SigningPassword(models.Model):
    """What somebody who logs in elsewhere, and so has no password here, signs with. It opens no log-in."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="signing_password")
    password = models.CharField(max_length=128, help_text="Hashed as passwords are")
    set_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"signing password of {self.user_id}"
