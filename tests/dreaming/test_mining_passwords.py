"""What no word announces as a password is known by its looks."""

import pytest

from dreaming.mining.hostile import objection_to
from dreaming.mining.templates import template_of


@pytest.mark.parametrize("text", ["used up, login svc/Crate!4410vB', 'trace'", "ask anna Larch^7723Qm for it"])
def test_a_token_with_a_sign_within_it_is_a_secret(text: str) -> None:
    assert objection_to(text) == "secret"


@pytest.mark.parametrize("text", ["see Sheet1!AB1000 there", "Done!2026-11-24", "Great!Thanks for that"])
def test_a_cell_or_a_missing_space_is_none(text: str) -> None:
    assert objection_to(text) == ""


@pytest.mark.parametrize("password", ["Crate!4410vB", "LarchAndHarbour7!"])
def test_a_template_shows_nothing_of_a_password_that_no_word_announces(password: str) -> None:
    shown = template_of(f"crane refused: berth is taken, login svc/{password} rejected", "crane")
    assert "berth is taken" in shown.text
    assert not any(part in shown.text for part in ("crate", "larch", "harbour"))
    assert not any(password in value for value in shown.values)
