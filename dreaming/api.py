"""The JSON API, mounted at /api/v1/. Agents can send and read; nothing here can decide."""

from ninja import NinjaAPI

api = NinjaAPI(
    title="Daylight",
    version="1",
    description="Send sessions, read approved memory. Authenticate with `Authorization: Bearer dl_…`.",
    docs_url=None,
    urls_namespace="api-1",
)
api.add_router("", "sessions.api.router")
api.add_router("", "memory.api.router")
