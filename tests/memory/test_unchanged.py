"""Agents that poll: answered in front of Django while nothing changed, and by it as soon as something did."""

from dataclasses import dataclass, field
from wsgiref.util import setup_testing_defaults

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from audit.actors import Actor
from dreaming.wsgi import django_application
from memory import unchanged
from memory.models import MemoryRead
from memory.stopping import resume_store, stop_store
from memory.unchanged import Unchanged
from sessions.models import ApiKey
from sessions.services import issue_key, revoke_key
from tests.factories import make_agent, make_live_memory, make_store

pytestmark = pytest.mark.django_db
URL = "/api/v1/agents/teller/memory"


@dataclass
class Server:
    """Both together; `passed` are the paths that Django was asked for."""

    secret: str
    passed: list[str] = field(default_factory=list)

    def get(self, url=URL, etag="", secret="", method="GET") -> tuple[int, dict[str, str], bytes]:
        path, _, query = url.partition("?")
        environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": "127.0.0.1"}
        environ |= {"HTTP_AUTHORIZATION": f"Bearer {secret or self.secret}"} | (
            {"HTTP_IF_NONE_MATCH": etag} if etag else {}
        )
        setup_testing_defaults(environ)
        said = []
        chunks = Unchanged(self._django)(environ, lambda status, headers, *_: said.extend((status, headers)))
        return int(said[0][:3]), dict(said[1]), b"".join(chunks)

    def _django(self, environ, start_response):
        self.passed.append(environ["PATH_INFO"])
        return django_application(environ, start_response)

    def is_asked_by(self, etag, url=URL, **rest) -> tuple[bool, int]:
        """Whether a conditional request reached Django, and the status."""
        before = len(self.passed)
        status, _, _ = self.get(url, etag, **rest)
        return len(self.passed) > before, status


@pytest.fixture(autouse=True)
def one_connection():
    """A request of its own would close the test's connection: Django's test client does the same."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def store(agent, rita):
    store = make_store("claims", [agent])
    make_live_memory(store, rita, path="/a.md", content="Close it first.")
    return store


@pytest.fixture
def key(agent):
    return issue_key(agent=agent, scopes=["read"], issued_by=Actor.system("test"))


@pytest.fixture
def server(store, key):
    return Server(key[1])


@pytest.fixture
def etag(server):
    return server.get()[1]["ETag"]


def test_what_did_not_change_is_answered_without_django_as_django_answers(server, etag):
    status, headers, body = server.get(etag=etag)

    assert (server.passed, status, body) == ([URL], 304, b"")
    unchanged._answered.clear()
    status, by_django, body = server.get(etag=etag)
    assert (server.passed, status, body) == ([URL, URL], 304, b"")
    assert headers.keys() == {"ETag", "Cache-Control"}
    assert headers.items() <= by_django.items()


def test_each_address_is_known_for_itself(server, etag):
    text = f"{URL}?format=markdown"

    assert server.is_asked_by(etag, text) == (True, 200)
    other = server.get(text)[1]["ETag"]
    assert other != etag
    assert server.is_asked_by(other, text) == (False, 304)
    assert server.is_asked_by(other) == (True, 200)


def test_a_publication_is_seen_by_the_next_request(server, store, etag, rita):
    make_live_memory(store, rita, path="/b.md", content="Wait.")

    status, headers, body = server.get(etag=etag)

    assert status == 200
    assert b"Wait." in body
    assert server.is_asked_by(headers["ETag"]) == (False, 304)


def test_a_stop_is_told_at_once_and_its_end_too(server, store, etag):
    actor = Actor.system("test")
    stop_store(store_id=store.pk, actor=actor, reason="Wrong.", served_revision=0)
    assert server.is_asked_by(etag) == (True, 200)

    resume_store(store_id=store.pk, actor=actor, reason="Right.")
    assert server.is_asked_by(etag) == (False, 304)


def test_an_agent_that_reads_a_store_no_more_is_not_told_that_it_did_not_change(server, store, agent, etag):
    store.agents.remove(agent)

    assert server.is_asked_by(etag) == (True, 200)
    assert server.get()[2] == b'{"agent":"teller","stores":[]}'


def test_a_revoked_key_a_wrong_secret_and_another_agent_are_refused(server, key, etag):
    assert server.is_asked_by(etag, secret=key[1][:-4] + "AAAA") == (True, 401)
    assert server.is_asked_by(etag, "/api/v1/agents/other/memory") == (True, 403)

    revoke_key(key=key[0], by=Actor.system("test"))

    assert server.is_asked_by(etag) == (True, 401)


def test_a_key_that_asks_too_often_is_refused(agent, store, key):
    ApiKey.objects.filter(pk=key[0].pk).update(per_minute=3)
    server = Server(key[1])
    etag = server.get()[1]["ETag"]

    assert [server.get(etag=etag)[0] for _ in range(4)] == [304, 304, 429, 429]


def test_what_a_session_was_served_is_still_recorded(server, etag):
    of_session = f"{URL}?session=s-1"
    server.get(of_session)

    assert server.is_asked_by(etag, of_session.replace("s-1", "s-2")) == (True, 304)
    assert set(MemoryRead.objects.values_list("session_external_id", flat=True)) == {"s-1", "s-2"}


def test_an_earlier_revision_and_other_methods_are_left_to_django(server, etag):
    earlier = f"{URL}?revision=1"
    tag = server.get(earlier)[1]["ETag"]

    assert server.is_asked_by(tag, earlier) == (True, 304)
    assert server.is_asked_by(etag, method="POST") == (True, 405)
