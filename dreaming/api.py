"""The JSON API, mounted at /api/v1/. Agents can send and read; nothing here can decide."""

import logging
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema

log = logging.getLogger("daylight.api")

REFUSALS = {
    400: ("bad_request", "Cannot parse request body"),
    401: ("unauthorized", "This API key is unknown or was revoked."),
    403: ("forbidden", "This key lacks the scope ingest. Ask an admin for a key that has it."),
    404: ("not_found", "There is no session run-2026-03-03-0017 of support-bot."),
    409: ("conflict", "There is no memory at /tools/refunds.md in refunds."),
    413: ("too_large", "A request may have 64 MiB (unpacked): send the sessions in several requests."),
    415: ("unsupported_encoding", "Content-Encoding br: send gzip, or plain JSON."),
    422: ("refused", "The text is empty. To remove a memory, propose a delete."),
    429: ("too_many_requests", "This key may make 600 requests a minute. Ask again in 17 s."),
}
HEADERS = {
    401: {"WWW-Authenticate": {"schema": {"type": "string"}, "example": "Bearer"}},
    429: {
        "Retry-After": {
            "description": "Seconds after which to ask again",
            "schema": {"type": "integer", "minimum": 1},
            "example": 17,
        }
    },
}


class DocumentedAPI(NinjaAPI):
    """Its document shows an example of each refusal."""

    def get_openapi_schema(self, **options: Any) -> OpenAPISchema:
        schema = super().get_openapi_schema(**options)
        for operation in (operation for path in schema["paths"].values() for operation in path.values()):
            for status in operation["responses"].keys() & REFUSALS.keys():
                error, detail = REFUSALS[status]
                response = operation["responses"][status]
                response["content"]["application/json"]["example"] = {"error": error, "detail": detail}
                if status in HEADERS:
                    response["headers"] = HEADERS[status]
        return schema


api = DocumentedAPI(
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


@api.exception_handler(SuspiciousOperation)
def suspicious(request: HttpRequest, error: SuspiciousOperation) -> HttpResponse:  # noqa: ARG001
    """What Django refuses to read, such as a query of more than a thousand fields."""
    return JsonResponse({"error": "malformed", "detail": str(error)}, status=400)


@api.exception_handler(RequestDataTooBig)
def too_large(request: HttpRequest, error: RequestDataTooBig) -> HttpResponse:  # noqa: ARG001
    detail = f"A request may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20} MiB."
    return JsonResponse({"error": "too_large", "detail": detail}, status=413)


@api.exception_handler(Exception)
def broken(request: HttpRequest, error: Exception) -> HttpResponse:
    """What nobody foresaw: agents learn that it failed, the log learns how."""
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    detail = "Daylight could not answer. Try again; the log has the reason."
    return JsonResponse({"error": "internal_server_error", "detail": detail}, status=500)
