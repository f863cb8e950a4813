"""The credentials of a signature, checked inside the request that decides: never by a window that an earlier one opened."""

import re
import secrets
from dataclasses import dataclass
from datetime import timedelta

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.core import signing
from django.db import transaction
from django.db.models.functions import Now

from audit.accounts import has_start_password
from audit.actors import Actor
from audit.models import Entry
from audit.services import record
from reviews.ballots import NotSigned
from reviews.models import Signature, SigningPassword

SALT = "daylight.signing"
FAILURES = 5
LOCKED = timedelta(minutes=10)
PASSWORD, CODE = "password", "code"
_CODE = re.compile(r"[0-9]{3}\s?[0-9]{3}")


@dataclass(frozen=True, slots=True)
class SigningRequest:
    """What came with the decision. `login` names the log-in; `password` holds either component where one is enough."""

    nonce: str = ""
    password: str = ""
    code: str = ""
    login: str = ""


@dataclass(frozen=True, slots=True)
class Verified:
    """A signing request whose credentials were right."""

    nonce: str
    sitting: str
    components: tuple[str, ...]


def new_nonce(*, signer: User, login: str, what: str) -> str:
    """A one-time signing request of this person, in this log-in, over `what`. Nothing is kept until it is used."""
    return signing.dumps([secrets.token_hex(16), signer.pk, login, what], salt=SALT)


def asks_in_full(*, signer: User, login: str, minutes: int) -> bool:
    """Whether all components are asked: the log-in has signed nothing yet, or not for so many minutes."""
    lately = Now() - timedelta(minutes=minutes)
    return not Signature.objects.filter(signer_id=signer.pk, sitting=login, created_at__gt=lately).exists()


def lacks(signer: User) -> list[str]:
    """What somebody has to set up before they can sign; empty when they can."""
    found = [
        (signer.get_full_name(), "your full name, which an admin gives the account"),
        (_secret(signer), "a signing password"),
        (not has_start_password(signer), "a password of your own, which nobody else gave you"),
        (_authenticator(signer), "an authenticator app as second factor"),
    ]
    return [what for there, what in found if not there]


def verify(*, signer: User, request: SigningRequest, what: str, minutes: int, store: str) -> Verified:
    """Check nonce and credentials, outside of the transaction that decides: what is used up, or wrong, stays so.

    Raises `NotSigned`. Wrong credentials are recorded; `FAILURES` of them lock signing for a while.
    """
    if missing := lacks(signer):
        raise NotSigned(f"Decisions here are signed. You still need {', and '.join(missing)}.")
    nonce = _checked_nonce(signer, request, what)
    given = _given(request, in_full=asks_in_full(signer=signer, login=request.login, minutes=minutes))
    _check(signer, given, what, store)
    return Verified(nonce, request.login, tuple(given))


def check_components(*, signer: User, request: SigningRequest) -> None:
    """Check a code, and the password where there is one, for changing what one signs with. Raises `NotSigned`."""
    if _authenticator(signer) is None:
        raise NotSigned("Set up an authenticator app first: its code is asked for here.")
    asked = {PASSWORD: request.password} if has_own_secret(signer) else {}
    _check(signer, {**asked, CODE: request.code}, "signing password", "")


def _check(signer: User, given: dict[str, str], what: str, store: str) -> None:
    """One attempt of a person after the other, so that no more are made at once than are counted."""
    with transaction.atomic():
        person = User.objects.select_for_update(no_key=True).get(pk=signer.pk)
        _check_not_locked(person)
        wrong = next((component for component, value in given.items() if not _is_right(person, component, value)), "")
        if wrong:
            record(
                action="signature.refused",
                actor=Actor.user(person),
                subject=f"user:{person.pk}",
                store=store,
                data={"about": what, "component": wrong},
            )
    if wrong:
        raise NotSigned("The signature was refused: password or code is wrong, or the code was used already.")


def has_own_secret(person: User) -> bool:
    return bool(_secret(person))


def _check_not_locked(person: User) -> None:
    refused = Entry.objects.about(f"user:{person.pk}").filter(action="signature.refused", at__gt=Now() - LOCKED)
    if refused.count() >= FAILURES:
        raise NotSigned(f"{FAILURES} signatures were refused. Signing is locked for {LOCKED.seconds // 60} minutes.")


def _checked_nonce(person: User, request: SigningRequest, what: str) -> str:
    again = "This signing request is not for what you see, or was used. Here is a new one: sign again."
    try:
        nonce, *bound = signing.loads(request.nonce, salt=SALT, max_age=settings.SESSION_COOKIE_AGE)
    except (signing.BadSignature, ValueError) as error:
        raise NotSigned(again) from error
    if bound != [person.pk, request.login, what] or Signature.objects.filter(nonce=nonce).exists():
        raise NotSigned(again)
    return str(nonce)


def _given(request: SigningRequest, *, in_full: bool) -> dict[str, str]:
    """The components to check, the password first: a wrong one uses no code up. Raises `NotSigned` when one lacks."""
    if in_full or (request.password and request.code):
        if not (request.password and request.code):
            raise NotSigned("Sign with your password and a code of your authenticator app.")
        return {PASSWORD: request.password, CODE: request.code}
    one = request.password or request.code
    if not one:
        raise NotSigned("Sign with your password, or a code of your authenticator app.")
    return {CODE if _CODE.fullmatch(one.strip()) else PASSWORD: one}


def _is_right(person: User, component: str, value: str) -> bool:
    """allauth keeps which codes were used, until they are no code any more."""
    if component == PASSWORD:
        return check_password(value, _secret(person))
    authenticator = _authenticator(person)
    return authenticator is not None and bool(authenticator.wrap().validate_code(value.strip()))


def _secret(person: User) -> str:
    """The hash of the password that the person signs with; empty for none."""
    if person.has_usable_password():
        return person.password
    own = SigningPassword.objects.filter(user_id=person.pk).first()
    return own.password if own else ""


def _authenticator(person: User) -> Authenticator | None:
    return Authenticator.objects.filter(user_id=person.pk, type=Authenticator.Type.TOTP).first()
