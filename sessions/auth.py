"""API keys for django-ninja: `Authorization: Bearer dl_…`, or `X-API-Key: dl_…`."""

import re
from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Q
from django.db.models.functions import Now
from django.http import HttpRequest
from django.utils import timezone
from ninja.errors import HttpError
from ninja.security.base import AuthBase

from sessions.known_keys import known
from sessions.models import ApiKey, hash_secret
from sessions.rates import wait_before

KEY = re.compile(r"dl_(?P<public_id>[0-9a-f]{4,16})_(?P<secret>[A-Za-z0-9_-]{20,100})")
NOBODY = hash_secret("")
USE_NOTED_EVERY = timedelta(minutes=1)


class KeyRefusedError(HttpError):
    """Answered as 401, 403 or 429 with what to do about it; `retry_after` seconds, if the key may ask again then."""

    def __init__(self, status_code: int, message: str, retry_after: int = 0) -> None:
        super().__init__(status_code, message)
        self.retry_after = retry_after


class ApiKeyAuth(AuthBase):
    """Lets a key with one of `scopes` in, as `request.auth` (an `ApiKey` with its agent loaded).

    Raises `KeyRefusedError`: 401 for a key that is missing, malformed, unknown or revoked (these two are not
    told apart), or expired; 403 for one without the scope; 429 for one that asks too often.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "An agent's key, `dl_…`. `X-API-Key: dl_…` does as well."

    def __init__(self, *scopes: str) -> None:
        super().__init__()
        self.scopes = scopes

    def __call__(self, request: HttpRequest) -> ApiKey:
        key = known_key(request)
        if not set(self.scopes).intersection(key.scopes):
            reason = f"This key lacks the scope {' or '.join(self.scopes)}. Ask an admin for a key that has it."
            raise KeyRefusedError(403, reason)
        return key


def known_key(request: HttpRequest) -> ApiKey:
    """The usable key that a request brings, whatever its scopes, within its rate. Raises `KeyRefusedError`."""
    key = usable_key(request.headers)
    count_use(key)
    return key


def count_use(key: ApiKey) -> None:
    """Count one request of the key. Raises `KeyRefusedError` (429) if it made too many."""
    if wait := wait_before(key.public_id, key.per_minute):
        reason = f"This key may make {key.per_minute} requests a minute. Ask again in {wait} s."
        raise KeyRefusedError(429, reason, wait)
    _note_use(key)


def _text_of_key(headers: Mapping[str, str]) -> str:
    header = headers.get("Authorization", "")
    if header:
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":
            raise KeyRefusedError(401, "Malformed Authorization header: write Authorization: Bearer dl_…")
        return text.strip()
    text = headers.get("X-API-Key", "").strip()
    if not text:
        raise KeyRefusedError(401, "An API key is missing: send Authorization: Bearer dl_…")
    return text


def usable_key(headers: Mapping[str, str]) -> ApiKey:
    """The key in a request's headers, if it is known, not revoked and not expired. Raises `KeyRefusedError` (401)."""
    parts = KEY.fullmatch(_text_of_key(headers))
    if not parts:
        raise KeyRefusedError(401, "Malformed API key: it looks like dl_ID_SECRET, in one piece.")
    key = known(parts["public_id"])
    # An unknown id costs the same hash and comparison as a wrong secret.
    matches = (key or ApiKey(secret_hash=NOBODY)).matches(parts["secret"])
    if key is None or not matches or key.revoked_at is not None:
        raise KeyRefusedError(401, "This API key is unknown or was revoked.")
    if key.expires_at is not None and key.expires_at <= timezone.now():
        raise KeyRefusedError(
            401, f"This API key expired at {key.expires_at:%Y-%m-%d %H:%M} UTC. Ask an admin for one."
        )
    return key


def _note_use(key: ApiKey) -> None:
    """Keep when the key was last used, to the minute: most requests write nothing."""
    now = timezone.now()
    if key.last_used_at is not None and now - key.last_used_at < USE_NOTED_EVERY:
        return
    stale = Q(last_used_at=None) | Q(last_used_at__lt=now - USE_NOTED_EVERY)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=Now())
    key.last_used_at = now
