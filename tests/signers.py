"""People who can sign: a full name, a password, an authenticator app."""

import re

from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def can_sign(user: User, name: str) -> User:
    user.first_name, user.last_name = name.split()
    user.save()
    if not Authenticator.objects.filter(user=user).exists():
        TOTP.activate(user, SECRET)
    fresh_code(user)  # a test before this one may have used it, as another user of the same number
    return user


HALF_MINUTE = 58_000_000  # at which the clock of the codes stands still, so that a slow test does not outlive one


def code() -> str:
    """The code of this half-minute, as the app shows it."""
    return format_hotp_value(hotp_value(SECRET, HALF_MINUTE))


def fresh_code(user: User) -> str:
    """As if the next half-minute had begun: allauth forgets which codes were used."""
    cache.delete(f"allauth.mfa.totp.used?user={user.pk}&code={code()}")
    return code()


def ballot_from(client: Client, address: str) -> dict[str, str]:
    """What a browser would send back of the page's form."""
    page = client.get(address).content.decode()
    hidden = r'<input type="hidden" name="(digest|signing_nonce|manifest|item)" value="([^"]*)"'
    return dict(re.findall(hidden, page))
