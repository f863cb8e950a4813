"""Agents that poll: while nothing changed they are answered in front of Django, which costs more than the answer."""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from django.db import Error
from django.http import HttpRequest

from memory.serving import Answer, Format, Part
from sessions.auth import KeyRefusedError, count_use, usable_key
from sessions.models import ApiKey

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]
KEPT_AT_MOST = 10_000
_KEY_HEADERS = {"Authorization": "HTTP_AUTHORIZATION", "X-API-Key": "HTTP_X_API_KEY"}


class Address(NamedTuple):
    """What names an answer: the key that asked, and every word of the address."""

    key_id: str
    host: str
    path: str
    query: str


# What a view answered, so that the address need not be understood again.
_answered: dict[Address, tuple[Format, Part]] = {}


def remember(request: HttpRequest, key: ApiKey, answer: Answer) -> None:
    """The view let this key read what the address names: the next conditional request need not ask the view."""
    if len(_answered) >= KEPT_AT_MOST:
        _answered.clear()
    _answered[_address(key, request.META)] = (answer.format, answer.part)


class Unchanged:
    """WSGI: 304 for a conditional request whose ETag is still the right one. All else is `application`'s, refusals too.

    The key, its rate and the state of the stores are looked at as the view does, each time.
    """

    def __init__(self, application: Application) -> None:
        self.application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        is_conditional = environ["REQUEST_METHOD"] == "GET" and environ.get("HTTP_IF_NONE_MATCH")
        headers = _if_unchanged(environ) if is_conditional else None
        if headers is None:
            return self.application(environ, start_response)
        start_response("304 Not Modified", list(headers.items()))
        return []


def _if_unchanged(environ: Environ) -> dict[str, str] | None:
    try:
        key = usable_key({header: environ.get(name, "") for header, name in _KEY_HEADERS.items()})
        asked = _answered.get(_address(key, environ))
        if asked is None or key.agent is None or "read" not in key.scopes:
            return None
        answer = Answer(key.agent, *asked)
        if not answer.current or not answer.is_known(environ["HTTP_IF_NONE_MATCH"]):
            return None
        count_use(key)
    except (KeyRefusedError, Error):
        return None
    return answer.headers


def _address(key: ApiKey, environ: Environ) -> Address:
    host = environ.get("HTTP_HOST", "")
    return Address(key.public_id, host, environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", ""))
