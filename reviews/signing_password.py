"""For who logs in elsewhere (OIDC): the second component of a signature, beside the authenticator app."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models.functions import Now

from audit.actors import Actor
from audit.services import record
from reviews.models import SigningPassword
from reviews.signing import SigningRequest, check_components


class BadPassword(ValueError):
    """It cannot be one's signing password; the message says why."""


def set_signing_password(*, user: User, password: str, request: SigningRequest) -> None:
    """Set one's own signing password, with a code of the authenticator app, and the old one where there is one.

    Raises `BadPassword`, and `NotSigned` for a wrong code or old password.
    """
    if user.has_usable_password():
        raise BadPassword("You sign with the password that you log in with.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise BadPassword(" ".join(error.messages)) from error
    check_components(signer=user, request=request)
    with transaction.atomic():
        values = {"password": make_password(password), "set_at": Now()}
        SigningPassword.objects.update_or_create(user=user, defaults=values)
        record(action="signature.password_set", actor=Actor.user(user), subject=f"user:{user.pk}")
