"""What tests of `/anthropic/v1` share."""

import hashlib
import json

from hypothesis import strategies as st

from audit.actors import Actor
from memory.models import MemoryRead

ADAM = Actor("user", "7", "adam")


ROOT = "/anthropic/v1/memory_stores"


class Caller:
    """Django's client with a key."""

    def __init__(self, client, key: str) -> None:
        self.client, self.headers = client, {"Authorization": f"Bearer {key}"}

    def get(self, path: str = "", **query):
        return self.client.get(f"{ROOT}{path}", query, headers=self.headers)

    def send(self, method: str, path: str = "", body: object = None, **more):
        data = body if isinstance(body, bytes) else json.dumps(body)
        return self.client.generic(
            method, f"{ROOT}{path}", data, content_type="application/json", headers=self.headers, **more
        )

    def post(self, path: str = "", body: object = None):
        return self.send("POST", path, body)


def of(store) -> str:
    return f"/memstore_{store.pk}"


def at(version) -> str:
    return f"/memstore_{version.store_id}/memories/mem_{version.memory_id}"


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def error_of(response) -> dict:
    body = response.json()
    assert body["type"] == "error"
    assert body["request_id"] == response["request-id"]
    assert set(body["error"]) >= {"type", "message"}
    return {"status": response.status_code, **body["error"]}


PATHS = st.sampled_from(["/a.md", "/a", "/a.md/b", "/", "", "/é", "/a\u2028b"]) | st.text(max_size=20)


ANY = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


BODIES = st.fixed_dictionaries(
    {},
    optional={
        "path": PATHS | ANY,
        "content": st.text(max_size=30) | ANY,
        "precondition": ANY,
        "name": st.text(max_size=8) | ANY,
        "metadata": ANY,
        "description": ANY,
    },
)


def recorded() -> list[tuple[str, int, list[int] | None]]:
    return list(MemoryRead.objects.order_by("pk").values_list("session_external_id", "revision", "versions"))
