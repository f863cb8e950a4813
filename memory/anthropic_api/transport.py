"""One address of the API: who asks, with which method, in which form; and every answer in Anthropic's."""

import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from ninja.errors import HttpError
from pydantic import BaseModel, ConfigDict, ValidationError

from memory.anthropic_api.errors import ApiError, error_response
from sessions.auth import ApiKeyAuth
from sessions.models import Agent, ApiKey

log = logging.getLogger("daylight.anthropic")

MAX_BODY_BYTES = 1_048_576  # a memory of the largest size, with every byte escaped, is 614,400
TOO_LARGE = ApiError(413, f"The request has more than {MAX_BODY_BYTES:,} bytes.")


class Form(BaseModel):
    """What a request may say. What is not named is refused rather than ignored: it could be a filter or a condition."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)
    lists: ClassVar[frozenset[str]] = frozenset()


class QueryForm(Form):
    beta: str = ""


F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class Call:
    """A request by a key that may make it."""

    request: HttpRequest
    key: ApiKey

    @property
    def agent(self) -> Agent:
        assert self.key.agent is not None
        return self.key.agent

    @property
    def session(self) -> str:
        """The agent's own id of the session that reads or writes, where it says one."""
        return self.request.headers.get("Daylight-Session", "").replace("\0", "")[:255]

    def query(self, form: type[F]) -> F:
        """The query; an array may be written `name[]=a&name[]=b` or `name=a&name=b`."""
        sent: dict[str, list[str]] = {}
        for name, values in self.request.GET.lists():
            sent.setdefault(name.removesuffix("[]"), []).extend(values)
        given = {name: values if name in form.lists else values[-1] for name, values in sent.items()}
        return _validated(lambda: form.model_validate(given))

    def body(self, form: type[F]) -> F:
        """The JSON body."""
        length = self.request.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > MAX_BODY_BYTES:
            raise TOO_LARGE
        return _validated(lambda: form.model_validate_json(self.request.body))


def _validated(read: Callable[[], F]) -> F:
    try:
        return read()
    except ValidationError as error:
        said = [f"{'.'.join(map(str, fault['loc'])) or 'body'}: {fault['msg']}" for fault in error.errors()[:5]]
        raise ApiError(400, "; ".join(said)) from error


Handler = Callable[..., dict[str, Any]]


def needs(*scopes: str) -> Callable[[Handler], Handler]:
    """Let keys call it that have one of the scopes."""

    def mark(handler: Handler) -> Handler:
        handler.auth = ApiKeyAuth(*scopes)  # type: ignore[attr-defined]
        return handler

    return mark


def address(**handlers: Handler) -> Callable[..., HttpResponse]:
    """A Django view that answers each method with its handler's dictionary."""

    @csrf_exempt
    def view(request: HttpRequest, **parts: str) -> HttpResponse:
        try:
            return _identified(JsonResponse(_answer(handlers, request, parts)), _new_id())
        except ApiError as error:
            return refusal(error)
        except HttpError as error:
            return refusal(ApiError(error.status_code, error.message), getattr(error, "retry_after", 0))
        except RequestDataTooBig:
            return refusal(TOO_LARGE)
        except SuspiciousOperation as error:  # what Django refuses to read, such as a thousand fields
            return refusal(ApiError(400, str(error)))
        except Exception:
            log.exception("%s %s failed", request.method, request.path)
            return refusal(ApiError(500, "Daylight could not answer. Try again; the log has the reason."))

    return view


def _answer(handlers: dict[str, Handler], request: HttpRequest, parts: dict[str, str]) -> dict[str, Any]:
    handler = handlers.get("POST" if request.method == "PATCH" else request.method or "")
    if handler is None:
        raise ApiError(405, f"{request.method} is not allowed here; there is {', '.join(handlers)}.")
    key = handler.auth(request)  # type: ignore[attr-defined]
    return handler(Call(request, key), **parts)


@csrf_exempt
def nothing_here(request: HttpRequest) -> HttpResponse:
    """Any other address of Anthropic's API."""
    return refusal(ApiError(404, f"Daylight has no {request.path}: it serves memory stores."))


def refusal(error: ApiError, retry_after: int = 0) -> HttpResponse:
    """The answer, which may be worth asking for again in so many seconds."""
    request_id = _new_id()
    response = error_response(error, request_id)
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return _identified(response, request_id)


def _new_id() -> str:
    return f"req_{uuid.uuid4().hex}"


def _identified(response: HttpResponse, request_id: str) -> HttpResponse:
    response["request-id"] = request_id
    response["Cache-Control"] = "private, no-store"
    return response
