"""How texts are cut into words, and what is meant by what somebody types."""

import pytest

from sessions.words import MAX_WORD, Query, Vector, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Error: ledger_locked (code=17)", ["error", "ledger", "locked", "code", "17"]),
        ("/srv/app/main.py", ["srv", "app", "main", "py"]),
        ("Über die Brücke", ["über", "die", "brücke"]),
        ("台帳がlocked", ["台", "帳", "が", "locked"]),
        ("\x1b[31mred\x1b[0m \u202eevil", ["31mred", "0m", "evil"]),
        ("", []),
        ("… — !?", []),
    ],
)
def test_words_are_letters_and_digits_in_lower_case(text, words):
    assert words_of(text) == words


def test_escapes_of_json_are_no_letters():
    assert words_of(r'{"command":"ls\nfoo \u0007bell C:\\new"}', is_json=True) == [
        "command",
        "ls",
        "foo",
        "bell",
        "c",
        "new",
    ]


def test_a_megabyte_without_a_space_is_one_short_word():
    assert words_of("x" * 1_000_000) == ["x" * MAX_WORD]


def test_a_vector_counts_places_and_leaves_a_gap_between_texts():
    vector = Vector()
    vector.add(["a", "b", "a"], "")
    vector.add(["b"], "", "e:")

    assert str(vector) == "'a':1,3 'b':2,5 'e:b':5"


@pytest.mark.parametrize(
    ("typed", "tsquery"),
    [
        ("ledger locked", "(('ledger') & ('locked'))"),
        ('"Ledger is" LOCKED', "(('ledger' <-> 'is') & ('locked'))"),
        ("main.py", "(('main' <-> 'py'))"),
        ("ledg*", "(('ledg':*))"),
        ("le*", "(('le'))"),
        ("noon or midnight", "(('noon')) | (('midnight'))"),
        ('an "open quote', "(('an') & ('open' <-> 'quote'))"),
        ("it's 'quoted' \\ & | ! <-> :*", "(('it' <-> 's') & ('quoted'))"),
    ],
)
def test_what_is_typed_becomes_a_query(typed, tsquery):
    assert Query.read(typed).tsquery() == tsquery


@pytest.mark.parametrize("typed", ["", "  ", "!!!", '"', "-noon", "or", "-", "* * *", "\u202e"])
def test_without_a_word_to_look_for_there_is_no_query(typed):
    assert not Query.read(typed)


@pytest.mark.parametrize(
    ("typed", "text", "match"),
    [
        ("locked", "the Ledger is LOCKED.", "LOCKED"),
        ("ledger_locked", "x=ledger locked", "ledger locked"),
        ("lock", "locked", None),
        ("lock*", "locked", "lock"),
        ("foo", r'{"command":"ls\nfoo"}', "foo"),
        ('"a b"', "a, b", "a, b"),
        ("帳", "台帳が", "帳"),
    ],
)
def test_matches_are_found_in_the_text_as_it_was_written(typed, text, match):
    found = Query.read(typed).pattern.search(text)
    assert (found and found.group()) == match


def test_looking_through_hostile_text_takes_no_time():
    pattern = Query.read('"a b" "c d e"').pattern
    assert pattern.search(r"a \\\\" * 100_000 + "\\" * 100_000) is None
