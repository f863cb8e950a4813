from collections.abc import Iterator

import pytest

from tests.dreaming.claude_server import ClaudeServer
from tests.dreaming.dreams_server import DreamsServer
from tests.dreaming.mirror_server import MirrorServer


def connected(server: ClaudeServer, settings) -> None:
    """A key and an address; no session is read for notes unless a test asks for it."""
    settings.ANTHROPIC_API_KEY = "sk-test-not-a-key"
    settings.ANTHROPIC_BASE_URL = server.url
    settings.DAYLIGHT_POLL_SECONDS = 0.01
    settings.DAYLIGHT_MODEL_TIMEOUT = 10.0
    settings.DAYLIGHT_NOTES_PER_PASS = 0


@pytest.fixture
def claude(settings) -> Iterator[ClaudeServer]:
    server = ClaudeServer()
    connected(server, settings)
    yield server
    server.close()


@pytest.fixture
def dreams(settings) -> Iterator[DreamsServer]:
    server = DreamsServer()
    connected(server, settings)
    yield server
    server.close()


@pytest.fixture
def there(settings) -> Iterator[MirrorServer]:
    """A memory store at Anthropic."""
    server = MirrorServer()
    connected(server, settings)
    yield server
    server.close()
