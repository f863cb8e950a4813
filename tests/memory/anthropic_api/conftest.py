"""What tests of `/anthropic/v1` begin with."""

import pytest

from sessions.services import issue_key
from tests.factories import make_agent, make_store
from tests.memory.anthropic_api.world import ADAM, Caller
from tests.sessions.samples import make_key


@pytest.fixture
def agent():
    return make_agent("teller")


@pytest.fixture
def store(agent):
    return make_store("claims", [agent])


@pytest.fixture
def caller(client, agent) -> Caller:
    return Caller(client, make_key("teller", ("read", "propose"))[1])


@pytest.fixture
def manager(client) -> Caller:
    return Caller(client, issue_key(agent=None, scopes=["manage"], issued_by=ADAM)[1])
