"""What every page's header shows."""

from functools import cached_property

from django.http import HttpRequest

from audit.roles import ADMIN, REVIEWER, roles_of
from reviews.queue import Filters, counted, top_of

# The first part of the address → the item of the navigation.
_SECTIONS = {
    "": "desk",
    "proposals": "desk",
    "dreams": "dreams",
    "stores": "memory",
    "new-store": "memory",
    "memories": "memory",
    "agents": "agents",
    "new-agent": "agents",
    "sessions": "agents",
    "record": "record",
}


class Navigation:
    """Asked of the database only by pages that show it."""

    def __init__(self, request: HttpRequest) -> None:
        self.request = request

    @cached_property
    def roles(self) -> list[str]:
        user = getattr(self.request, "user", None)
        return sorted(roles_of(user)) if user else []

    @property
    def may_decide(self) -> bool:
        return REVIEWER in self.roles

    @property
    def is_admin(self) -> bool:
        return ADMIN in self.roles

    @property
    def section(self) -> str:
        return _SECTIONS.get(self.request.path.split("/")[1], "")

    @cached_property
    def open_count(self) -> str:
        return counted(len(top_of(Filters(), self.request.user)))


def navigation(request: HttpRequest) -> dict[str, object]:
    return {"nav": Navigation(request)}
