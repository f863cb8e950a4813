from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from memory.models import Proposal
from reviews.models.fields import person


class Claim(models.Model):
    """Somebody reads this proposal now. A courtesy that expires: correctness never rests on it."""

    proposal = models.OneToOneField(Proposal, on_delete=models.CASCADE, related_name="desk_claim")
    user = person("desk_claims")
    user_name = models.CharField(max_length=255)
    expires_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="claims_by_end")]

    def __str__(self) -> str:
        return f"{self.user_name} reads {self.proposal_id}"


class Snooze(models.Model):
    """One reviewer does not want to see this proposal until then."""

    proposal = models.ForeignKey(Proposal, on_delete=models.CASCADE, related_name="snoozes")
    user = person("snoozes")
    until = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["proposal", "user"], name="one_snooze_a_person")]
        indexes = [models.Index(fields=["user", "until"], name="snoozes_of_a_person")]

    def __str__(self) -> str:
        return f"{self.proposal_id} until {self.until}"


class SavedView(models.Model):
    """A queue address that a person named."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=1000)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="one_view_a_name")]

    def __str__(self) -> str:
        return self.name
