"""Numbers in figures and one unit: "two weeks", "14 days" and "a fortnight" are one amount, "half past eight" is 8:30.

Times of the day have 24 hours; what is a part of something greater is counted in the smallest unit of its kind.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

_ONES = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()  # noqa: E501, SIM905
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety hundred".split()  # noqa: SIM905
COUNTED = {name: str(number) for number, name in enumerate(_ONES, 1)} | {
    name: str(10 * number) for number, name in enumerate(_TENS, 2)
}
_ORDINALS = "zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()  # noqa: SIM905
_MANY = {"hundred": 100, "thousand": 1_000, "k": 1_000, "million": 1_000_000}
# Each unit is counted in the smallest of its kind, which one letter stands for: it is no word of the text.
_UNITS = (
    ("seconds?|secs?|s", 1, "s"),
    ("minutes?|mins?", 60, "s"),
    ("hours?|hrs?|h", 3_600, "s"),
    ("days?", 86_400, "s"),
    ("weeks?", 604_800, "s"),
    ("fortnights?", 1_209_600, "s"),
    ("months?", 1, "o"),
    ("years?", 12, "o"),
    ("millimet(?:re|er)s?|mm", 1, "l"),
    ("centimet(?:re|er)s?|cm", 10, "l"),
    ("met(?:re|er)s?|m", 1_000, "l"),
    ("kilomet(?:re|er)s?|km", 1_000_000, "l"),
    ("grams?|grammes?|g", 1, "g"),
    ("kilos?|kilograms?|kilogrammes?|kg", 1_000, "g"),
    ("tonnes?|tons?", 1_000_000, "g"),
    ("millilit(?:re|er)s?|ml", 1, "v"),
    ("lit(?:re|er)s?|l", 1_000, "v"),
)
_UNIT = "|".join(names for names, _, _ in _UNITS)
_SPAN = r"(?:second|minute|hour|day|week|fortnight|month|year)\b"
_Rule = tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]


def _times(found: re.Match[str]) -> str:
    return _plain(float(found["count"]) * _MANY[found["many"].lower()])


def _in_smallest(found: re.Match[str]) -> str:
    size, unit = next((size, unit) for names, size, unit in _UNITS if re.fullmatch(names, found["unit"], re.IGNORECASE))
    return f"{_plain(float(found['count']) * size)} {unit}"


def _of_the_day(found: re.Match[str]) -> str:
    hour = int(found["hour"]) % 12 + (12 if found["half"].lower() == "p" else 0)
    return f"{hour}:{found['minute'] or '00'}"


def _past(found: re.Match[str]) -> str:
    minute, hour = (30 if found["part"].lower() == "half" else 15), int(found["hour"])
    return f"{hour}:{minute}" if found["side"].lower() == "past" else f"{hour - 1}:{60 - minute}"


def _plain(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _rule(pattern: str, becomes: str | Callable[[re.Match[str]], str]) -> _Rule:
    return re.compile(pattern, re.IGNORECASE), becomes


_RULES: tuple[_Rule, ...] = (
    _rule(r"(?<![\d.,])\d{1,3}(?:,\d{3})+(?![\d,])", lambda found: found[0].replace(",", "")),
    _rule(r"\b(?:noon|midday)\b", "12:00"),
    _rule(r"\bmidnight\b", "0:00"),
    _rule(r"\ba quarter of an (?=hour\b)", "0.25 "),
    _rule(rf"\bhalf an? (?={_SPAN})", "0.5 "),
    _rule(r"\bhalf (?:of )?(?=(?:a|an|the)\b)", "50 percent of "),
    _rule(r"\btwice\b", "2 times"),
    _rule(r"\ba (?=(?:hundred|thousand|million)\b)", "1 "),
    _rule(
        rf"\b(?:(for|within|inside|after|than|least|most|over|under) an?|(within|inside) the) (?={_SPAN})", r"\1\2 1 "
    ),
    _rule(r"\ba dozen\b", "12"),
    _rule(r"\ba (?=fortnight\b)", "1 "),
    _rule(rf"\bone (?=(?:{'|'.join(_MANY)}|{_UNIT})\b)", "1 "),
    _rule(r"(?<!\bno )(?<!\bnot )(?<!\bnever )\bmore than one (?=[^\W\d_])", "2 "),
    _rule(
        rf"\b(?P<tens>{'|'.join(_TENS[:-1])})[ -](?P<ones>{'|'.join(_ONES[:9])})\b",
        lambda found: str(int(COUNTED[found["tens"].lower()]) + int(COUNTED[found["ones"].lower()])),
    ),
    _rule(rf"\b(?:{'|'.join([*_ONES[1:], *_TENS[:-1]])})\b", lambda found: COUNTED[found[0].lower()]),
    _rule(rf"(?<![\w.])(?P<count>\d+(?:\.\d+)?) ?(?P<many>{'|'.join(_MANY)})\b", _times),
    _rule(rf"\b(?:{'|'.join(_ORDINALS[4:])})\b", lambda found: str(_ORDINALS.index(found[0].lower()))),
    _rule(r"(?<=\d)(?:st|nd|rd|th)\b", ""),
    _rule(r"\b(?P<part>half|quarter) (?P<side>past|to) (?P<hour>\d{1,2})\b", _past),
    _rule(r"(?<=\d) o['’]clock\b", ":00"),
    _rule(r"\b(?P<hour>\d{1,2})(?:[:.](?P<minute>\d\d))? ?(?P<half>[ap])\.?m\b\.?", _of_the_day),
    _rule(r"(?<=\d)[ -]?(?:%|per ?cent\b|pct\b)", " percent"),
    _rule(r"(?<=\d) ?met(?:re|er)s (?:per|a) second\b", " m/s"),
    _rule(r"(?<=\d) ?(?:(?:kilomet(?:re|er)s|km) (?:per|an) hour|kph)\b", " km/h"),
    _rule(r"(?<=\d) ?(?:°(?: ?C\b)?|degrees(?: (?:celsius|centigrade))?\b|c\b)", " degrees"),
    _rule(rf"(?<=\d) ?[-–] ?(?=\d+(?:\.\d+)? ?(?:{_UNIT})\b)", " to "),
    _rule(rf"(?<![\w.,:/-])(?P<count>\d+(?:\.\d+)?)[ -]?(?P<unit>{_UNIT})\b(?![/²³])", _in_smallest),
)


@lru_cache(maxsize=20_000)
def in_figures(text: str) -> str:
    """Return a text with its numbers in figures, its times and measures in one form and unit, to compare it with others."""
    for pattern, becomes in _RULES:
        text = pattern.sub(becomes, text)
    return text
