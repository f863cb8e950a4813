from typing import Any

from django.conf import settings
from django.db import models


def person(related_name: str, **options: Any) -> models.ForeignKey:
    """Who did something. An account may go; what it did stays, under the name that is kept beside it."""
    return models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        related_name=related_name,
        **options,
    )
