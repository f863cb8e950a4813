"""Texts that programs send, as far as PostgreSQL can keep them."""

from typing import Annotated

from pydantic import AfterValidator


def _storable(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds the character U+0000, which cannot be stored")
    return text


Text = Annotated[str, AfterValidator(_storable)]
