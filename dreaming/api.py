"""The JSON API, mounted at /api/v1/. Agents can send and read; nothing here can decide."""

from http import HTTPStatus

from django.http import HttpRequest, HttpResponse, JsonResponse
from ninja import NinjaAPI
from ninja.errors import HttpError, ValidationError

api = NinjaAPI(
    title="Daylight",
    version="1",
    description="Send sessions, read approved memory. Authenticate with `Authorization: Bearer dl_…`.",
    docs_url=None,
    urls_namespace="api-1",
)
api.add_router("", "sessions.api.router")
api.add_router("", "memory.api.router")


@api.exception_handler(HttpError)
def refused(request: HttpRequest, error: HttpError) -> HttpResponse:  # noqa: ARG001
    """Every refusal has the same form."""
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_")
    response = JsonResponse({"error": code, "detail": error.message}, status=error.status_code)
    if error.status_code == HTTPStatus.UNAUTHORIZED:
        response["WWW-Authenticate"] = "Bearer"
    return response


@api.exception_handler(ValidationError)
def malformed(request: HttpRequest, error: ValidationError) -> HttpResponse:  # noqa: ARG001
    """A parameter that cannot be read, named."""
    complaints = [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors]
    return JsonResponse({"error": "malformed", "detail": "; ".join(complaints)}, status=422)
