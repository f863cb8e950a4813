"""Pages: `{"data": [...], "next_page": …}`, where a page's name is the key of the last item before it."""

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from memory.anthropic_api.errors import ApiError
from memory.anthropic_api.transport import QueryForm

View = Literal["basic", "full"]
FULL_PAGE = 20


def _with_zone(at: datetime) -> datetime:
    return at if at.tzinfo else at.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_with_zone)]


class PageQuery(QueryForm):
    limit: int = Field(20, ge=1, le=100)
    page: str = ""

    def after(self, kind: type[int] | type[str]) -> Any:
        """The key after which the page begins; None for the first page."""
        return key_of(self.page, kind) if self.page else None


class DatedQuery(PageQuery):
    created_from: Moment | None = Field(None, alias="created_at[gte]")
    created_to: Moment | None = Field(None, alias="created_at[lte]")

    @property
    def dates(self) -> dict[str, datetime]:
        """As a filter of a queryset."""
        given = {"created_at__gte": self.created_from, "created_at__lte": self.created_to}
        return {name: at for name, at in given.items() if at is not None}


def page(items: Sequence[Any], keys: Sequence[int | str], limit: int) -> dict[str, Any]:
    """One page of the `limit` + 1 items that were asked for."""
    more = len(items) > limit
    return {"data": list(items[:limit]), "next_page": name_of(keys[limit - 1]) if more else None}


def name_of(key: int | str) -> str:
    return "page_" + base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def key_of(name: str, kind: type[int] | type[str]) -> int | str:
    """Raises a 400 for a name that no page has."""
    text = name.removeprefix("page_")
    try:
        key = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    if type(key) is not kind or (isinstance(key, int) and not 0 < key < 2**63) or "\x00" in str(key):
        raise ApiError(400, "page: hand back the `next_page` of the answer before, as it is.")
    return key
