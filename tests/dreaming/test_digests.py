"""Sessions are digested once."""

import json

import pytest

from dreaming.models import SessionDigest
from tests.dreaming.fleet import dream, load_fleet
from tests.factories import make_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("spelt", ["\\u0000", "\\ud800", "\\udc00 \\ud83d\\ude00"])
def test_a_session_that_spells_what_postgresql_cannot_keep_is_digested(spelt):
    store = load_fleet()
    error = f'{{"error": "the ledger {spelt} is locked"}}'
    make_session(store.agents.first(), [error, f'"{spelt}"', error])

    ended = dream(store)

    assert (ended.status, ended.sessions) == ("completed", 161)
    assert "ledger \ufffd" in json.dumps(list(SessionDigest.objects.values_list("data", flat=True)), ensure_ascii=False)
