from collections.abc import Iterator

import pytest

from tests.dreaming.claude_server import ClaudeServer


@pytest.fixture
def claude(settings) -> Iterator[ClaudeServer]:
    """A model with a key, at a local address; no session is read for notes unless a test asks for it."""
    server = ClaudeServer()
    settings.ANTHROPIC_API_KEY = "sk-test-not-a-key"
    settings.ANTHROPIC_BASE_URL = server.url
    settings.DAYLIGHT_POLL_SECONDS = 0.01
    settings.DAYLIGHT_MODEL_TIMEOUT = 10.0
    settings.DAYLIGHT_NOTES_PER_PASS = 0
    yield server
    server.close()
