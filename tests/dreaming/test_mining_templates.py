"""One error is one template, whatever ids, paths, amounts and wrappers it comes with."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dreaming.mining.failures import failure_line, locate, telling_line
from dreaming.mining.templates import fill, own_words, template_of, tool_family

SAID = "toll for barge qx-12345 lacks a ledger entry"
WRAPPED = [
    f"Error: {SAID}",
    f"ERROR - {SAID}",
    f"[ERROR] {SAID}.",
    f"ToolError: {SAID}",
    f"ValueError: {SAID}",
    f"HTTP 422 Unprocessable Entity: {SAID}",
    f"HTTP/1.1 422: {SAID}",
    f"Error executing tool pay_toll: {SAID}",
    f"Error executing tool harbour__pay_toll: {SAID}",
    f"Error calling pay_toll: {SAID}",
    f"Tool call failed: {SAID}",
    f"harbour.pay_toll failed: {SAID}",
    f"API request failed with status 422: {SAID}",
    f"MCP error -32602: {SAID}",
    f"<error>{SAID}</error>",
    f"<tool_use_error>{SAID}</tool_use_error>",
    json.dumps({"error": SAID}),
    json.dumps({"error": {"code": 422, "message": SAID}}),
    json.dumps({"errors": [{"message": SAID}]}),
    json.dumps({"error": "Unprocessable", "message": SAID}),
    json.dumps({"status": "failed", "detail": SAID}),
    json.dumps({"ok": False, "code": "E_LEDGER", "message": SAID}),
    json.dumps({"isError": True, "content": [{"type": "text", "text": SAID}]}),
    json.dumps(json.dumps({"error": SAID})),
    f"Error: {json.dumps({'detail': SAID})}",
    f'HTTP 500: {{"error": "{SAID}"}}',
    f'Traceback (most recent call last):\n  File "x.py", line 3\n    pay()\nharbour.errors.TollError: {SAID}',
    str({"error": SAID}),
    str({"ok": False, "message": SAID, "rope": None}),
]


@pytest.mark.parametrize("output", WRAPPED)
@pytest.mark.parametrize("flag", [True, False, None])
def test_a_wrapper_changes_nothing(output: str, flag: bool | None) -> None:
    message = failure_line(output, flag)
    assert message is not None
    assert template_of(message, "pay_toll").text == "toll for barge <id> lacks a ledger entry"


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("no berth 17 at 12:30 on 2031-04-05", "no berth <n> at <time> on <date>"),
        ("cargo 3f2b8c1e-1111-4222-8333-abcdefabcdef is lost", "cargo <id> is lost"),
        ("paid $1,200.50 of 3400 EUR", "paid <n> of <n>"),
        ("cannot read /var/lib/harbour/log.txt", "cannot read <path>"),
        ("see https://harbour.example/x?y=1 for help", "see <url> for help"),
        ("mail captain@quay.example bounced", "mail <email> bounced"),
        ("crates 12, 13 and 14 are missing", "crates <n> are missing"),
        ("guild 'Otter' is not a member", "guild <value> is not a member"),
        ("order #W1234567 not found", "order <id> not found"),
        ("can't moor: the rope isn't dry", "can't moor: the rope isn't dry"),
    ],
)
def test_what_varies_becomes_a_placeholder(message: str, template: str) -> None:
    assert template_of(message).text == template


def test_quoted_values_are_kept_aside_and_can_be_put_back() -> None:
    template = template_of("No module named 'quayside'")
    assert template.values == ("quayside",)
    assert fill(template.text, template.values) == "no module named quayside"


@pytest.mark.parametrize("dull", ["error", "something went wrong", "failed", "<n> <id>", "internal server error"])
def test_a_message_that_says_nothing_is_known_as_such(dull: str) -> None:
    assert own_words(dull) == 0


@pytest.mark.parametrize(
    "name",
    [
        "pay_toll",
        "payToll",
        "PayToll",
        "mcp__harbour__pay_toll",
        "harbour.payToll",
        "harbour/pay-toll",
        "h:pay_toll",
    ],
)
def test_a_tool_has_one_family_on_every_server(name: str) -> None:
    assert tool_family(name) == "pay_toll"


@pytest.mark.parametrize(
    ("output", "line"),
    [
        (
            "<returncode>127</returncode>\n<output>\nsh: line 1: quay: command not found\n</output>",
            "sh: line 1: quay: command not found",
        ),
        (
            "<returncode>2</returncode><output>ls: cannot access 'x': No such file or directory</output>",
            "ls: cannot access 'x': No such file or directory",
        ),
        (
            "Traceback (most recent call last):\n  File 'a.py'\nModuleNotFoundError: No module named 'quay'",
            "ModuleNotFoundError: No module named 'quay'",
        ),
        ("barge not found", "barge not found"),
        ("0 rows", "0 rows"),
        ("No berths found", "No berths found"),
    ],
)
def test_a_failure_without_a_flag_is_seen(output: str, line: str) -> None:
    assert failure_line(output, None) == line


@pytest.mark.parametrize(
    "output",
    [
        "",
        "[]",
        "{}",
        "logged",
        "<returncode>0</returncode><output>done</output>",
        json.dumps({"error": None, "berths": [1, 2]}),
        json.dumps({"errors": [], "status": "moored"}),
        json.dumps({"status": "failed-over", "lights": "on"}),
        json.dumps([{"status": "error", "message": "an old entry in a list"}]),
        "421:    raise LedgerError('cannot be moored')",
        "src/quay.py:17: return not_found(error)",
        "def fail():\n    raise ValueError('not found')\n",
        "\n".join(f"2031-01-01 INFO line {at}: error counter 0" for at in range(200)),
        "The harbour master's report says that permission to moor could not be granted last year, but that "
        "it is now granted again, and that every barge which was denied may come back and will be paid for it; "
        "the ledger was corrected.",
    ],
)
def test_a_result_that_only_speaks_of_errors_is_no_failure(output: str) -> None:
    assert failure_line(output, None) is None
    assert failure_line(output, False) is None


@given(st.text(max_size=400), st.sampled_from([True, False, None]), st.integers(20, 300))
def test_any_failure_can_be_quoted_exactly(output: str, flag: bool | None, limit: int) -> None:
    message = failure_line(output, flag)
    if message is not None:
        quote = locate(message, output, limit)
        assert quote in output
        assert len(quote) <= limit


@given(st.text(max_size=300), st.text(max_size=20))
def test_a_template_is_short_and_has_no_line_break(message: str, tool: str) -> None:
    template = template_of(message, tool)
    assert len(template.text) <= 210
    assert "\n" not in template.text


@pytest.mark.parametrize("piece", ["a", "'", '"x" ', "error: ", "{", "<a>", "/x", "1,", "a.b/", "-", "x@", "- "])
def test_a_megabyte_is_clipped_first(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    started = time.process_time()
    template_of(failure_line(text, True) or "", "pay_toll")
    failure_line(text, None)
    telling_line(text)
    assert time.process_time() - started < 0.5


def test_a_name_of_one_word_keeps_what_it_is_of() -> None:
    assert tool_family("valve.open") == "valve_open" != tool_family("gate.open")
    assert tool_family("mcp__crm__getUser") == tool_family("crm.get_user") == "get_user"


def test_a_stack_trace_says_most_where_its_frames_end() -> None:
    trace = 'Traceback (most recent call last):\n  File "x.py", line 3\n    pay()\nLedgerLock: {} tolls unpaid\nsent to: quay'
    assert telling_line(trace.format(4)) == "LedgerLock: 4 tolls unpaid"
    assert telling_line(f"{trace.format(4)}\n{trace.format(7)}") == "LedgerLock: 7 tolls unpaid"


@pytest.mark.parametrize(
    ("message", "template"),
    [
        ("sluice shut (debug: api_key is sk-live-quaydabcdefghijklmnopq)", "sluice shut (debug: <id>"),
        ("sluice shut for Bearer ghp_quaydabcdefghijklmnopqrstuvwx", "sluice shut for bearer <id>"),
        ("login refused (password=swordfish)", "login refused (<id>"),
        ("login refused, password: swordfish", "login refused, <id>"),
        ("the token is expired, log in again", "the token is expired, log in again"),
        ("token: must not be empty", "token: must not be empty"),
    ],
)
def test_a_template_holds_no_secret(message: str, template: str) -> None:
    assert template_of(message).text == template


def test_a_quoted_address_is_no_constant_of_an_error() -> None:
    assert template_of("guild member 'ada@quay.example' is unknown").values == ("<email>",)


def test_an_identifier_of_several_parts_is_one() -> None:
    assert {template_of(f"rope {name} is frayed").text for name in ("QX12", "S93/T21", "LOT19.13")} == {
        "rope <id> is frayed"
    }
