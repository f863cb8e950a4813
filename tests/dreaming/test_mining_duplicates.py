"""Memories that say the same become one; those that disagree stay."""

from __future__ import annotations

import pytest

from dreaming.mining import digest_session, mine
from dreaming.mining.values import MemoryView, Upkeep
from dreaming.writer import write
from tests.dreaming.test_mining_known import dreamt, tolls
from tests.dreaming.test_mining_mine import corpus, toll_paid
from tests.dreaming.test_mining_news import replying

OTHERS = (
    "The slipway is swept on Mondays.",
    "Life vests hang in the blue shed, sorted by weight.",
    "Harriet keeps the keys of the crane.",
    "Fenders are checked for cracks before the regatta.",
    "Guests park behind the chandlery.",
    "Visitors sign the book at the gate.",
)


def test_what_only_one_of_two_doubles_says_is_kept() -> None:
    one = "Look up the ledger of the barge before pay_toll. The keeper wants the quay too. Keep the receipt of each toll.\n"
    two = "Before pay_toll, look up the ledger of the barge. The quay too, the keeper wants. Lanterns stay lit.\n"
    update, delete = dreamt(corpus(60, lambda ref, rng: (toll_paid(rng), "")), one, two).findings
    assert isinstance(update.lesson, Upkeep)
    assert isinstance(delete.lesson, Upkeep)
    assert (update.lesson.operation, update.lesson.path) == ("update", "/m0.md")
    assert update.lesson.content == f"{one.rstrip()}\n\n- Lanterns stay lit.\n"
    assert (delete.lesson.operation, delete.lesson.path, delete.lesson.other) == ("delete", "/m1.md", "/m0.md")
    assert "Lanterns stay lit. Approve this after the update" in write(delete).rationale


def test_doubles_that_disagree_in_a_number_stay() -> None:
    one, two = "pay_toll is refused after 40 barges a day.", "After 60 barges a day pay_toll is refused."
    result = dreamt(corpus(60, lambda ref, rng: (toll_paid(rng), "")), one, two)
    assert result.findings == ()
    assert "disagree" in result.discarded[0].reason


def test_doubles_that_give_two_things_each_others_numbers_stay() -> None:
    one = "The tow hawser wants 30 ells. A mooring line for boats measures 50 ells at least."
    two = "The tow hawser wants 50 ells. A mooring line for boats measures 30 ells at least."
    assert dreamt(corpus(60, lambda ref, rng: None), one, two).findings == ()


def test_two_memories_in_other_words_are_one_where_a_store_has_nothing_nearly_as_near() -> None:
    boats = (
        "Boats that come back late pay ten percent of the rent for each hour.",
        "For overdue boats the client is charged a tenth of the hire price per hour.",
    )
    idle = corpus(60, lambda ref, rng: None)
    (found,) = dreamt(idle, *boats, *OTHERS).findings
    assert isinstance(found.lesson, Upkeep)
    assert {found.lesson.path, found.lesson.other} == {"/m0.md", "/m1.md"}
    fifth = boats[1].replace("a tenth", "a fifth")
    assert dreamt(idle, boats[0], fifth, *OTHERS).findings == ()
    assert dreamt(idle, *boats, *OTHERS[:2]).findings == ()


@pytest.mark.parametrize(
    ("one", "two", "told"),
    [
        (
            "The drawer with the mooring permit copies is sorted by season, then by surname.",
            "Until last season every mooring permit was written by hand; the older ones have no barcode.",
            [],
        ),
        (
            "Ripped sails carry no fee when the hole is patched rather than the cloth renewed.",
            "If a small hole can be patched without changing the whole panel, the sail owner pays no fee.",
            ["duplicate"],
        ),
    ],
)
def test_two_memories_are_not_one_for_the_name_of_one_subject_and_another_word(
    one: str, two: str, told: list[str]
) -> None:
    result = dreamt(corpus(60, lambda ref, rng: None), one, two, *OTHERS)
    assert [item.lesson.why for item in result.findings if isinstance(item.lesson, Upkeep)] == told


def test_a_duplicate_that_no_session_speaks_of_rests_on_the_two_texts() -> None:
    result = dreamt(
        corpus(60, lambda ref, rng: None), "The moon pool is salty in March.", "In March the moon pool is salty."
    )
    (found,) = result.findings
    assert (found.evidence, found.support.sessions) == ((), 0)
    assert "No session speaks of it" in write(found).rationale


def test_memories_that_say_opposite_things_are_no_duplicates() -> None:
    one, two = "Never call pay_toll at night by lantern.", "Always call pay_toll at night by lantern."
    assert dreamt(corpus(60, lambda ref, rng: (toll_paid(rng), "")), one, two).findings == ()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("The upper lock of the canal opens at dawn.", "The lower lock of the canal opens at dusk."),
        ("A loaded barge waits ten minutes at the quay.", "An empty barge waits twenty minutes at the bollard."),
    ],
)
def test_another_word_in_the_same_place_is_another_case_and_no_duplicate(one: str, two: str) -> None:
    assert dreamt(corpus(60, lambda ref, rng: None), one, two).findings == ()


def test_not_older_than_and_younger_than_are_no_disagreement() -> None:
    one = "Skippers of the ferry need a licence not older than four years."
    two = "A licence younger than four years is needed of each skipper of the ferry."
    result = dreamt(corpus(60, lambda ref, rng: None), one, two)
    assert [item.kind for item in result.findings] == ["upkeep"]


def test_to_forbid_and_to_let_nobody_are_no_disagreement() -> None:
    one = "Nobody may stand between barges while the sluice is running."
    two = "While the sluice is running, standing between barges is forbidden to everybody."
    result = dreamt(corpus(60, lambda ref, rng: None), one, two)
    assert [item.kind for item in result.findings] == ["upkeep"]


def test_a_duplicate_of_which_only_what_is_private_speaks_is_told_without_a_quote() -> None:
    one, two = "The moon pool is salty in March.", "In March the moon pool is salty."
    said = ("user", "the moon pool is salty again, my password: Tr0ub4dor-and-3")
    sessions = replying((said,), "I look at it.")
    (found,) = dreamt(sessions, one, two).findings
    assert isinstance(found.lesson, Upkeep)
    assert (found.lesson.why, found.evidence) == ("duplicate", ())


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            "Barges longer than 20 metres moor at the west quay with two ropes and must not be tied to the lamp.",
            "Long barges (longer than 20 metres) must not be tied to the lamp; moor them at the west quay with two ropes.",
        ),
        (
            "At low water the sluice admits no rowing boats; they moor by the old tannery.",
            "Rowing boats moor by the old tannery when the water is low; the sluice does not admit them.",
        ),
    ],
)
def test_two_texts_that_refuse_the_same_are_no_disagreement(one: str, two: str) -> None:
    result = dreamt(corpus(60, lambda ref, rng: None), one, two)
    assert [item.kind for item in result.findings] == ["upkeep"]


def test_two_texts_that_refuse_different_things_stay() -> None:
    one, two = "Never tar the ropes of the barge; oil the winch.", "Tar the ropes of the barge; never oil the winch."
    assert dreamt(corpus(60, lambda ref, rng: None), one, two).findings == ()


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Vellish toll books are kept for six years after closing.", "UV toll books are kept for thirty years."),
        (
            "Claims under Orrish law contracts are heard two working days after the bell.",
            "Claims under Tavian law contracts are heard when the bailiff has read them out.",
        ),
    ],
)
def test_another_name_in_the_same_place_is_another_case_and_no_duplicate(one: str, two: str) -> None:
    assert dreamt(corpus(60, lambda ref, rng: None), one, two).findings == ()


def test_paths_that_differ_in_a_code_name_two_cases() -> None:
    text = "Toll books are kept for six years after the closing of the lock."
    paths = [("/books/keeping-ov.md", "/books/keeping-tk.md"), ("/books/keeping.md", "/toll/old-books.md")]
    found = [
        mine(
            [digest_session(view) for view in corpus(60, lambda ref, rng: None)],
            memories=[MemoryView(path, text, 1) for path in pair],
        ).findings
        for pair in paths
    ]
    assert [len(one) for one in found] == [0, 1]


def test_one_rule_filed_under_two_words_in_two_folders_is_a_duplicate() -> None:
    one = "Our usual span for a mooring permit is four months from payment; longer ones need the harbour master."
    two = (
        "The house rule on length of mooring is 4 months starting on payment. Anything longer needs the harbour master."
    )
    digests = [digest_session(view) for view in corpus(60, lambda ref, rng: None)]
    memories = [MemoryView("/permits/mooring-span.md", one, 1), MemoryView("/harbour/length-of-stay.md", two, 1)]
    kinds = [
        item.lesson.operation for item in mine(digests, memories=memories).findings if isinstance(item.lesson, Upkeep)
    ]
    assert kinds[-1:] == ["delete"]


def test_a_full_hour_is_its_number_however_it_is_written() -> None:
    one = "Let nobody into the ice house from four to five; the blocks are turned then."
    two = "Let nobody into the ice house from 04:00 to 05:00: the blocks are turned then."
    lessons = [found.lesson for found in dreamt(tolls(), one, two).findings]
    assert [lesson.why for lesson in lessons if isinstance(lesson, Upkeep)] == ["duplicate"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("The hawser is soaked for two weeks in brine.", "Soak the hawser in brine for 14 days."),
        ("Barges wait half an hour at the upper weir.", "At the upper weir each barge waits 30 minutes."),
        (
            "The sluice shuts once the wind exceeds 12 m/s.",
            "Above twelve metres per second of wind the sluice is shut.",
        ),
        ("The tar shed opens at half past six.", "Opening time of the tar shed is 6:30 am."),
        (
            "Skippers get a rebate of at most fifteen percent on tar.",
            "The rebate on tar for skippers is capped at 15 %.",
        ),
        ("Barges over 10,000 kilos need two pilots.", "Any barge of more than 10 tonnes needs two pilots."),
        (
            "If two pilots are booked for one barge, the pilot booked later steers.",
            "Where more than one pilot is booked for a barge, the one booked later steers.",
        ),
    ],
)
def test_one_amount_in_another_unit_is_the_same(one: str, two: str) -> None:
    result = dreamt(corpus(60, lambda ref, rng: None), one, two)
    assert [item.lesson.why for item in result.findings if isinstance(item.lesson, Upkeep)] == ["duplicate"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (
            "Oil the winch from below, never from above.",
            "The winch is oiled from below only; do not oil it from above.",
        ),
        ("Nobody opens the sluice unless the bell has rung.", "Ring the bell before the sluice is opened by anybody."),
        ("The quay toll is waived for fishing boats.", "Fishing boats don't pay the quay toll."),
        ("An unused pilot ticket is paid back.", "A pilot ticket that was not used is paid back."),
        ("No boats are hauled up after the bell.", "Nothing is hauled up after the bell, boats included."),
        ("The ferry carries hay as deck load only.", "Hay may only be shipped by the ferry as deck load."),
    ],
)
def test_one_rule_refused_or_asked_for_in_other_words_is_the_same(one: str, two: str) -> None:
    result = dreamt(corpus(60, lambda ref, rng: None), one, two)
    assert [item.lesson.why for item in result.findings if isinstance(item.lesson, Upkeep)] == ["duplicate"]


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Tar the ropes before hauling the barge.", "Tar the ropes after hauling the barge."),
        ("Leave at least 3 ells between barges.", "Leave at most 3 ells between barges."),
        ("Barges are handed over with the log.", "Barges are handed over without the log."),
        ("A laden barge with hay carries one lantern.", "A laden barge carries two lanterns."),
        ("Hauling timber needs no pilot below two tonnes.", "Hauling stone needs a pilot."),
        ("Use the east rope, not the west rope.", "Use the west rope, not the east rope."),
    ],
)
def test_opposite_words_counts_and_subjects_set_two_memories_apart(one: str, two: str) -> None:
    assert dreamt(corpus(60, lambda ref, rng: None), one, two).findings == ()
