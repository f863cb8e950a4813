"""Who acted. Copied by value into the record, so that it outlives the account."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind` is `user`, `policy`, `agent` or `system`; `id` is unique within the kind; `name` is for people."""

    kind: str
    id: str
    name: str

    @classmethod
    def user(cls, user: "AbstractUser") -> "Actor":
        return cls("user", str(user.pk), user.get_full_name() or user.get_username())

    @classmethod
    def agent(cls, slug: str) -> "Actor":
        return cls("agent", slug, slug)

    @classmethod
    def policy(cls, name: str) -> "Actor":
        return cls("policy", name, f"{name} policy")

    @classmethod
    def system(cls, name: str) -> "Actor":
        return cls("system", name, name)

    @classmethod
    def api_key(cls, public_id: str) -> "Actor":
        """A key that belongs to no agent."""
        return cls("system", f"api_key:{public_id}", f"key dl_{public_id}_…")
