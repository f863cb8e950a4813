"""Signing as a part of another form: what the page asks for, and what came back with it."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from audit.actors import Actor
from audit.roles import REVIEWER, has_role
from memory.models import MemoryStore
from reviews.models import ReviewSettings
from reviews.signing import SALT, SigningRequest, asks_in_full, lacks, new_nonce


@dataclass(frozen=True, slots=True)
class Asked:
    """What `_sign.html` asks for. `lacks` names what the reader has to set up first."""

    name: str
    nonce: str
    in_full: bool
    lacks: list[str]


def asked_of(request: HttpRequest, store: MemoryStore | None, what: str) -> Asked | None:
    """The signing request over `what`; None where none is asked for, or not of this reader."""
    chosen = ReviewSettings.of(store) if store else None
    if chosen is None or not chosen.signatures or not has_role(request.user, REVIEWER):
        return None
    user, login = request.user, login_of(request)
    return Asked(
        name=Actor.user(user).name,
        nonce=new_nonce(signer=user, login=login, what=what),
        in_full=asks_in_full(signer=user, login=login, minutes=chosen.signing_break_minutes),
        lacks=lacks(user),
    )


def request_of(request: HttpRequest) -> SigningRequest:
    return SigningRequest(
        nonce=request.POST.get("signing_nonce", "")[:2_000],
        password=request.POST.get("sign_password", "")[:4_000],
        code=request.POST.get("sign_code", "")[:100],
        login=login_of(request),
    )


def login_of(request: HttpRequest) -> str:
    """Names the log-in without giving its key away; another one begins with every log-in and change of password."""
    return salted_hmac(SALT, request.session.session_key or "", algorithm="sha256").hexdigest()
