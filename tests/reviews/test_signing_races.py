"""Many signing requests at once: a code signs once, and no more failures fit in than are counted."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection

from audit.models import Entry
from reviews.ballots import NotSigned
from reviews.signing import FAILURES, SigningRequest, Verified, new_nonce, verify
from tests.signers import can_sign, code

pytestmark = pytest.mark.django_db(transaction=True)
AT_ONCE = 10


def attempt(user: User, number: int, password: str) -> Verified | None:
    try:
        nonce = new_nonce(signer=user, login="here", what=f"proposal:{number}:x")
        request = SigningRequest(nonce, password, code(), "here")
        return verify(signer=user, request=request, what=f"proposal:{number}:x", minutes=15, store="claims")
    except NotSigned:
        return None
    finally:
        connection.close()


def at_once(user: User, password: str) -> list[Verified | None]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(lambda number: attempt(user, number, password), range(AT_ONCE)))


def test_a_code_that_is_sent_many_times_at_once_signs_once(rita):
    found = at_once(can_sign(rita, "Rita Reyes"), "rita-password")
    assert sum(one is not None for one in found) == 1


def test_guesses_at_once_are_counted_one_by_one(rita):
    assert at_once(can_sign(rita, "Rita Reyes"), "a guess") == [None] * AT_ONCE
    assert Entry.objects.filter(action="signature.refused").count() == FAILURES
