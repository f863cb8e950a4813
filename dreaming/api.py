"""The JSON API, mounted at /api/v1/. Agents can send and read; nothing here can decide."""

import logging
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

log = logging.getLogger("daylight.api")

api = NinjaAPI(
    title="Daylight",
    version="1",
    description="Send sessions, read approved memory. Authenticate with `Authorization: Bearer dl_…`.",
    docs_url=None,
    urls_namespace="api-1",
)
api.add_router("", "sessions.api.router")
api.add_router("", "sessions.streaming_api.router")
api.add_router("", "memory.api.router")
api.add_router("", "memory.proposing_api.router")


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    """Every refusal has the same form."""
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    response = JsonResponse({"error": code, "detail": error.message}, status=error.status_code)
    if retry_after := getattr(error, "retry_after", 0):
        response["Retry-After"] = str(retry_after)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(ValidationError)
def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    """A parameter that cannot be read, named."""
    complaints = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors]
    return JsonResponse({"error": "malformed", "detail": "; ".join(complaints)}, status=422)


@api.exception_handler(Exception)
def broken(request: HttpRequest, error: Exception) -> HttpResponse:
    """What nobody foresaw: agents learn that it failed, the log learns how."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    detail = "Daylight could not answer. Try again; the log has the reason."
    return JsonResponse({"error": "internal_server_error", "detail": detail}, status=500)
