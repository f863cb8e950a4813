"""Accounts as allauth keeps them, where they touch the record: no sign-up, failed log-ins, changed credentials."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import ratelimit
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authentication_failed
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import transaction
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse

from audit.actors import Actor
from audit.acts import one_act
from audit.services import record

LOG_IN = Actor.system("log-in")
# A failure now and then is a typing error; so many to one account within a day are not.
MANY_FAILURES = 20
DAY = 24 * 3600
# One entry a lock-out: the window of the limit `login_failed`.
LOCKED_SECONDS = 5 * 60


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Accounts are made with `manage.py create_user`; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002
        return False

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        name = credentials.get("username", "")
        key = self._get_login_attempts_cache_key(request, **credentials)
        note_failure(request, User.objects.filter(username__iexact=name).first(), key)


@receiver(authentication_failed, dispatch_uid="dreaming.second_factor_failed")
def second_factor_failed(*, request: HttpRequest, user: User, **_: Any) -> None:
    """Whoever fails here knows the password."""
    note_failure(request, user, f"mfa-auth-user-{user.pk}")


@transaction.atomic
def note_failure(request: HttpRequest, user: User | None, limit_key: str) -> None:
    """Record the failed log-in that matters: the one that locks out, and every so many-th to one account in a day.

    What was typed is not kept: a name that is nobody's may be a password in the wrong field.
    """
    subject = f"user:{user.pk}" if user else "user:unknown"
    if not ratelimit.consume(request, action="login_failed", key=limit_key, dry_run=True) and cache.add(
        f"locked-out:{subject}", True, LOCKED_SECONDS
    ):
        record(action="login.locked_out", actor=LOG_IN, subject=subject)
    if user:
        count = cache.get(f"login-failures:{subject}", 0) + 1
        cache.set(f"login-failures:{subject}", count, DAY)
        if count % MANY_FAILURES == 0:
            record(action="login.failed_often", actor=LOG_IN, subject=subject, data={"failures": count})


def credentials_recorded(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Do in one transaction what a view of allauth does to its user's credentials, and the entries about it."""

    @wraps(view)
    def recorded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST" or not request.user.is_authenticated:
            return view(request, *args, **kwargs)
        user = request.user
        with transaction.atomic(), one_act():
            before = _credentials(user.pk)
            response = view(request, *args, **kwargs)
            _record_changes(user, before, _credentials(user.pk))
        return response

    return recorded


def _credentials(user_id: int) -> tuple[str, dict[int, str]]:
    """The hash of the password, and the type of each second factor by its id; the account is locked."""
    password = User.objects.select_for_update(no_key=True).values_list("password", flat=True).get(pk=user_id)
    return password, dict(Authenticator.objects.filter(user_id=user_id).order_by("pk").values_list("pk", "type"))


def _record_changes(user: User, before: tuple[str, dict[int, str]], after: tuple[str, dict[int, str]]) -> None:
    actor, subject = Actor.user(user), f"user:{user.pk}"
    (old_password, old), (new_password, new) = before, after
    if old_password != new_password:
        record(action="user.password_changed", actor=actor, subject=subject)
    for pk in sorted(old.keys() - new.keys()):
        record(action="second_factor.removed", actor=actor, subject=subject, data={"type": old[pk]})
    for pk in sorted(new.keys() - old.keys()):
        record(action="second_factor.added", actor=actor, subject=subject, data={"type": new[pk]})
