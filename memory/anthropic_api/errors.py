"""Refusals as Anthropic's API words them: the SDK makes its exception classes of their status."""

from typing import Any

from django.http import JsonResponse

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    409: "conflict_error",
    413: "request_too_large",
    429: "rate_limit_error",
    500: "api_error",
}
WORTH_A_RETRY = (429, 500)


class ApiError(Exception):
    """Answered with `status`. `fields` stand beside type and message, such as `proposal_id`."""

    def __init__(self, status: int, message: str, kind: str = "", **fields: str) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind or TYPES.get(status, TYPES[400 if status < 500 else 500])
        self.fields = fields


def not_found(what: str) -> ApiError:
    """The same whether it does not exist or belongs to others."""
    return ApiError(404, f"{what} was not found.")


def error_response(error: ApiError, request_id: str) -> JsonResponse:
    body: dict[str, Any] = {
        "type": "error",
        "error": {"type": error.kind, "message": str(error), **error.fields},
        "request_id": request_id,
    }
    response = JsonResponse(body, status=error.status)
    if error.status not in WORTH_A_RETRY:
        response["x-should-retry"] = "false"  # the SDK would try every 409 again
    return response
