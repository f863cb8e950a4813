from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, resolve_url
from django.utils.cache import patch_cache_control

from audit.accounts import has_start_password
from memory.anthropic_api.errors import ApiError
from memory.anthropic_api.transport import refusal

GetResponse = Callable[[HttpRequest], HttpResponse]

# In the session of who logged in with a start password.
START_PASSWORD = "start_password"  # noqa: S105
_AGENTS = ("/api/", "/anthropic/", "/mcp", "/v1/")
_SAID = {
    400: "The request is malformed, or its Host is not among DAYLIGHT_ALLOWED_HOSTS.",
    404: "There is nothing at {path}. The addresses are in /api/v1/openapi.json.",
    405: "{method} is not allowed at {path}; there is {allowed}.",
    500: "Daylight could not answer. Try again; the log has the reason.",
}
_NUL = "The address holds a NUL character (%00), which no name here has. Take it out."


def _refused(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    """In the form of the agents' address that was asked; as plain text to anybody else."""
    if request.path.startswith("/anthropic/"):
        return refusal(ApiError(status, detail))
    if request.path.startswith(_AGENTS):
        code = "malformed" if status == 400 else HTTPStatus(status).phrase.lower().replace(" ", "_")
        return JsonResponse({"error": code, "detail": detail}, status=status)
    return HttpResponse(detail, status=status, content_type="text/plain; charset=utf-8")


class NulMiddleware:
    """PostgreSQL stores no NUL, so an address that holds one names nothing: 400 rather than a database error."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        query = request.META.get("QUERY_STRING", "")
        if "\0" not in request.path and "%00" not in query and "\0" not in query:
            return self.get_response(request)
        return _refused(request, 400, _NUL)


class AgentsRefusalMiddleware:
    """Programs get every refusal as JSON that says what to do, also those that no view of ours makes."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_ours = response.get("Content-Type", "").startswith(("application/json", "application/x-protobuf"))
        if is_ours or response.status_code not in _SAID or not request.path.startswith(_AGENTS):
            return response
        allowed = response.get("Allow", "")
        detail = _SAID[response.status_code].format(method=request.method, path=request.path, allowed=allowed)
        answer = _refused(request, response.status_code, detail)
        if allowed:
            answer["Allow"] = allowed
        return answer


class NoStoreMiddleware:
    """Pages of people who are signed in stay out of caches, so that a log-out leaves none behind."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = response.get("Content-Type", "").startswith("text/html") and response.status_code < 500
        if is_page and not request.path.startswith("/api/") and request.user.is_authenticated:
            patch_cache_control(response, no_store=True, private=True)
        return response


class StartPasswordMiddleware:
    """Who logged in with a password that somebody else gave changes it first. Asked of the session, not the database."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.session.get(START_PASSWORD):
            return self.get_response(request)
        if not has_start_password(request.user):
            request.session.pop(START_PASSWORD, None)  # a session that ended meanwhile is empty
        elif request.path not in (change := resolve_url("account_change_password"), resolve_url("account_logout")):
            messages.info(request, "Somebody else gave you this password. Choose one that only you know.")
            if request.htmx:
                return HttpResponse(status=204, headers={"HX-Redirect": change})
            return redirect(change)
        return self.get_response(request)


class HtmxLoginMiddleware:
    """An expired log-in answers a fragment's request with a redirect of the whole page, not of the fragment."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        login = resolve_url(settings.LOGIN_URL)
        if request.htmx and response.status_code == 302 and response["Location"].startswith(login):
            response = HttpResponse(status=204, headers={"HX-Redirect": response["Location"]})
        return response
