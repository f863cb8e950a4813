"""The MCP endpoint: streamable HTTP without sessions, each request answered whole, by the official SDK inside a Django view."""

import logging
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from mcp import types
from mcp.server import Server, ServerRequestContext
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager

from memory.mcp_tools import TOOLS, ToolRefused, call
from sessions.auth import KeyRefusedError, known_key
from sessions.models import ApiKey

logger = logging.getLogger("daylight.mcp")

INSTRUCTIONS = (
    "Memory that people approved. Read it at the start of a session. What you propose waits until a person decides:"
    " do not act as if it were remembered."
)


@csrf_exempt
@require_POST
def endpoint(request: HttpRequest) -> HttpResponse:
    """One JSON-RPC message of an agent, with its API key. There is no stream to GET and no session to DELETE (405)."""
    try:
        key = known_key(request)
    except KeyRefusedError as refusal:
        response = JsonResponse({"error": "refused", "detail": refusal.message}, status=refusal.status_code)
        if refusal.status_code == 401:
            response["WWW-Authenticate"] = "Bearer"
        if refusal.retry_after:
            response["Retry-After"] = str(refusal.retry_after)
        return response
    try:
        _ = request.body
    except RequestDataTooBig:
        detail = f"A request may have {settings.DATA_UPLOAD_MAX_MEMORY_SIZE // 2**20} MiB."
        return JsonResponse({"error": "too_large", "detail": detail}, status=413)
    answer: HttpResponse = async_to_sync(_answer)(request, key)
    return answer


async def _answer(request: HttpRequest, key: ApiKey) -> HttpResponse:
    manager = StreamableHTTPSessionManager(_server(key), json_response=True, stateless=True)
    response = HttpResponse()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            response.status_code = message["status"]
            for name, value in message.get("headers", []):
                response[name.decode("latin-1")] = value.decode("latin-1")
        elif message["type"] == "http.response.body":
            response.write(message.get("body", b""))

    async with manager.run():
        await manager.handle_request(_scope(request), receive, send)
    return response


def _scope(request: HttpRequest) -> dict[str, Any]:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in request.headers.items()]
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.META.get("QUERY_STRING", "").encode(),
        "root_path": "",
        "headers": headers,
    }


def _server(key: ApiKey) -> Server[Any]:
    async def list_tools(
        _: ServerRequestContext[Any], __: types.PaginatedRequestParams | None
    ) -> types.ListToolsResult:
        return types.ListToolsResult(tools=TOOLS)

    async def call_tool(_: ServerRequestContext[Any], params: types.CallToolRequestParams) -> types.CallToolResult:
        try:
            content = await sync_to_async(call)(key, params.name, params.arguments or {})
        except ToolRefused as refusal:
            return types.CallToolResult(content=[types.TextContent(text=str(refusal))], is_error=True)
        except Exception:
            logger.exception("The MCP tool %r failed", params.name)
            text = "Daylight could not answer. Try again; the log has the reason."
            return types.CallToolResult(content=[types.TextContent(text=text)], is_error=True)
        return types.CallToolResult(content=list(content))

    return Server("daylight", instructions=INSTRUCTIONS, on_list_tools=list_tools, on_call_tool=call_tool)
