"""What no word announces as a password is known by its looks."""

import pytest

from dreaming.mining.hostile import objection_to


@pytest.mark.parametrize("text", ["used up, login svc/Crate!4410vB', 'trace'", "ask anna Larch^7723Qm for it"])
def test_a_token_with_a_sign_within_it_is_a_secret(text: str) -> None:
    assert objection_to(text) == "secret"


@pytest.mark.parametrize("text", ["see Sheet1!AB1000 there", "Done!2026-11-24", "Great!Thanks for that"])
def test_a_cell_or_a_missing_space_is_none(text: str) -> None:
    assert objection_to(text) == ""
