from django.conf import settings
from django.db import models
from django.db.models.functions import Now


class StartPassword(models.Model):
    """The account's password was given by somebody else. It leads to the change of password and nowhere else."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="start_password")
    given_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"start password of {self.user_id}"
