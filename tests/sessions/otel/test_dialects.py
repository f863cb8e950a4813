"""One run, told in every dialect, becomes the same events."""

import json

import pytest

from sessions.foreign import session_line
from sessions.format import parse_session
from sessions.otel.assembling import assemble
from sessions.otel.reading import conversation_of, is_known
from sessions.otel.spans import Span
from tests.sessions.otel.samples import root, span

ASKED, ANSWER, OUTPUT = "Where is order 7?", "It is on its way.", "shipped"
CALL = {"id": "c1", "name": "get_order", "arguments": {"id": 7}}


def chat_new() -> list[Span]:
    user = {"role": "user", "parts": [{"type": "text", "content": ASKED}]}
    call = {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, {"type": "tool_call", **CALL}]}
    result = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": OUTPUT}]}
    said = {"role": "assistant", "parts": [{"type": "text", "content": ANSWER}], "finish_reason": "stop"}
    common = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1", "gen_ai.conversation.id": "conv-1"}
    return [
        root(attributes={"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "shop"}),
        span("chat m-1", 1, attributes={**common, "gen_ai.input.messages": json.dumps([user]), "gen_ai.output.messages": json.dumps([call])}),
        span("execute_tool get_order", 3, attributes={
            "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "get_order", "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.arguments": '{"id": 7}', "gen_ai.tool.call.result": OUTPUT,
        }),
        span("chat m-1", 5, attributes={**common, "gen_ai.input.messages": json.dumps([user, call, result]), "gen_ai.output.messages": json.dumps([said])}),
    ]  # fmt: skip


def chat_events() -> list[Span]:
    """The conventions before: a message is an event of the span."""
    tool_calls = json.dumps(
        [{"id": "c1", "type": "function", "function": {"name": "get_order", "arguments": '{"id": 7}'}}]
    )
    common = {
        "gen_ai.system": "openai",
        "gen_ai.operation.name": "chat",
        "gen_ai.response.model": "m-1",
        "gen_ai.conversation.id": "conv-1",
    }
    return [
        root(attributes={}),
        span("chat m-1", 1, attributes=common, events=[
            ("gen_ai.user.message", {"content": ASKED}),
            ("gen_ai.choice", {"index": 0, "message": f'{{"role": "assistant", "tool_calls": {tool_calls}}}'}),
        ]),
        span("execute_tool get_order", 3, attributes={"gen_ai.tool.name": "get_order", "gen_ai.tool.call.id": "c1"}),
        span("chat m-1", 5, attributes=common, events=[
            ("gen_ai.user.message", {"content": ASKED}),
            ("gen_ai.assistant.message", {"tool_calls": tool_calls}),
            ("gen_ai.tool.message", {"content": OUTPUT, "id": "c1"}),
            ("gen_ai.choice", {"index": 0, "finish_reason": "stop", "message": json.dumps({"role": "assistant", "content": ANSWER})}),
        ]),
    ]  # fmt: skip


def open_inference() -> list[Span]:
    call = {
        "message.role": "assistant",
        "message.tool_calls.0.tool_call.id": "c1",
        "message.tool_calls.0.tool_call.function.name": "get_order",
        "message.tool_calls.0.tool_call.function.arguments": '{"id": 7}',
    }
    listed = {f"llm.input_messages.1.{name}": value for name, value in call.items()}
    first = {
        "openinference.span.kind": "LLM", "llm.model_name": "m-1", "session.id": "conv-1",
        "llm.input_messages.0.message.role": "user",
        "llm.input_messages.0.message.contents.0.message_content.type": "text",
        "llm.input_messages.0.message.contents.0.message_content.text": ASKED,
    }  # fmt: skip
    return [
        root(attributes={"openinference.span.kind": "CHAIN", "input.value": '{"messages": []}', "output.value": "x"}),
        span("ChatOpenAI", 1, attributes={**first, **{f"llm.output_messages.0.{name}": value for name, value in call.items()}}),
        span("get_order", 3, attributes={
            "openinference.span.kind": "TOOL", "tool.name": "get_order", "input.value": '{"id": 7}', "output.value": OUTPUT,
        }),
        span("ChatOpenAI", 5, attributes={
            **first, **listed,
            "llm.input_messages.2.message.role": "tool", "llm.input_messages.2.message.content": OUTPUT,
            "llm.input_messages.2.message.tool_call_id": "c1",
            "llm.output_messages.0.message.role": "assistant", "llm.output_messages.0.message.content": ANSWER,
        }),
    ]  # fmt: skip


def traceloop() -> list[Span]:
    call = {
        "role": "assistant",
        "tool_calls.0.id": "c1",
        "tool_calls.0.name": "get_order",
        "tool_calls.0.arguments": '{"id": 7}',
    }
    common = {
        "llm.request.type": "chat", "gen_ai.system": "OpenAI", "gen_ai.response.model": "m-1", "traceloop.workflow.name": "shop",
        "traceloop.association.properties.session_id": "conv-1",
        "gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": ASKED,
    }  # fmt: skip
    return [
        root(attributes={"traceloop.span.kind": "workflow", "traceloop.entity.name": "shop"}),
        span("openai.chat", 1, attributes={**common, **{f"gen_ai.completion.0.{name}": value for name, value in call.items()}}),
        span("get_order.tool", 3, attributes={
            "traceloop.span.kind": "tool", "traceloop.entity.name": "get_order",
            "traceloop.entity.input": '{"args": [], "kwargs": {"id": 7}}', "traceloop.entity.output": json.dumps(OUTPUT),
        }),
        span("openai.chat", 5, attributes={
            **common, **{f"gen_ai.prompt.1.{name}": value for name, value in call.items()},
            "gen_ai.prompt.2.role": "tool", "gen_ai.prompt.2.content": OUTPUT, "gen_ai.prompt.2.tool_call_id": "c1",
            "gen_ai.completion.0.role": "assistant", "gen_ai.completion.0.content": ANSWER,
        }),
    ]  # fmt: skip


DIALECTS = [chat_new, chat_events, open_inference, traceloop]


def made(spans: list[Span], seen=()) -> dict:
    """The session of these spans; it is one of format 1."""
    assembled = assemble(spans, seen)
    assert assembled is not None
    session = {"id": "s", "agent": "a", **assembled.session}
    parse_session(session_line(session))
    return session


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_tells_the_same_run(dialect):
    session = made(list(reversed(dialect())))
    facts = [
        (e["type"], e["role"], e.get("tool", ""), e.get("call_id", ""), e.get("text", e.get("input", e.get("output"))))
        for e in session["events"]
    ]
    assert facts == [
        ("message", "user", "", "", ASKED),
        ("tool_call", "agent", "get_order", "c1", {"id": 7}),
        ("tool_result", "tool", "get_order", "c1", OUTPUT),
        ("message", "agent", "", "", ANSWER),
    ]
    assert (session["task"], session["outcome"], session["metadata"]["models"]) == (
        ASKED,
        {"status": "unknown"},
        ["m-1"],
    )
    result = session["events"][2]
    assert (result["is_error"], result["duration_ms"]) == (False, 1000)
    assert (session["started_at"], session["ended_at"]) == ("2026-03-03T10:00:00+00:00", "2026-03-03T10:01:40+00:00")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_names_the_conversation(dialect):
    assert {conversation_of(one) for one in dialect()} == {"", "conv-1"}


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_tool_that_fails_says_so_once(dialect):
    spans = dialect()
    tool = spans[2]
    tool.has_error, tool.attributes = (
        True,
        {key: value for key, value in tool.attributes.items() if "result" not in key and "output" not in key},
    )
    tool.events = list(
        assemble_events([("exception", {"exception.type": "Locked", "exception.message": "ledger is locked"})])
    )
    spans[0].has_error, spans[0].events = True, tool.events  # it went up to the root
    session = made(spans)
    result = next(e for e in session["events"] if e["type"] == "tool_result")
    assert (result["output"], result["is_error"]) == ("Locked: ledger is locked", True)
    assert not [e for e in session["events"] if e["type"] == "error"]
    assert session["outcome"] == {"status": "failure", "source": "root span", "detail": "Locked: ledger is locked"}


def assemble_events(events):
    return span(events=events).events


def test_a_user_who_says_the_same_twice_is_heard_twice():
    def turn(start: float, *texts: str) -> Span:
        said = [{"role": "user" if at % 2 == 0 else "assistant", "content": text} for at, text in enumerate(texts)]
        return span("chat", start, attributes={
            "gen_ai.operation.name": "chat", "gen_ai.input.messages": said[:-1], "gen_ai.output.messages": said[-1:],
        })  # fmt: skip

    session = made([turn(1, "yes", "ok"), turn(3, "yes", "ok", "yes", "ok")])
    assert [e["text"] for e in session["events"]] == ["yes", "ok", "yes", "ok"]


def test_a_model_that_is_asked_again_at_the_moment_it_answered_has_said_it_once():
    def turn(start: float, *texts: str) -> Span:
        said = [{"role": "user" if at % 2 == 0 else "assistant", "content": text} for at, text in enumerate(texts)]
        attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": said[:-1],
            "gen_ai.output.messages": said[-1:],
        }
        return span("chat", start, 1, attributes=attributes)

    session = made([turn(1, "a", "b"), turn(2, "a", "b", "c", "d")])
    assert [e["text"] for e in session["events"]] == ["a", "b", "c", "d"]


@pytest.mark.parametrize("with_spans", [True, False])
@pytest.mark.parametrize("values", [("1", "2"), ("1", "1")])
def test_ids_that_are_given_again_at_every_turn_name_other_calls(with_spans, values):
    history, spans = [{"role": "user", "content": "go"}], []
    for turn, value in enumerate(values):
        call = {
            "role": "assistant",
            "tool_calls": [{"id": "call_0", "function": {"name": "look", "arguments": f'{{"at": {value}}}'}}],
        }
        chat = {
            "gen_ai.operation.name": "chat",
            "gen_ai.input.messages": json.dumps(history),
            "gen_ai.output.messages": json.dumps([call]),
        }
        tool = {"gen_ai.tool.name": "look", "gen_ai.tool.call.id": "call_0", "gen_ai.tool.call.result": f"seen {value}"}
        spans += [span("chat", 10 * turn, attributes=chat), span("execute_tool look", 10 * turn + 2, attributes=tool)]
        history += [call, {"role": "tool", "tool_call_id": "call_0", "content": f"seen {value}"}]
    spans.append(
        span("chat", 90, attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(history)})
    )
    session = made([one for one in spans if with_spans or one.name == "chat"])
    told = [e.get("output") or e.get("input") or e["text"] for e in session["events"]]
    assert told == ["go", {"at": int(values[0])}, f"seen {values[0]}", {"at": int(values[1])}, f"seen {values[1]}"]


def test_what_an_earlier_session_of_the_conversation_told_is_not_told_again():
    first = assemble(chat_new()[:2])
    assert first is not None
    again = made(chat_new()[2:], first.seen)
    assert [e["type"] for e in again["events"]] == ["tool_call", "tool_result", "message"]


def test_an_instrumentation_inside_another_is_told_once():
    spans = chat_new()
    inner = span("openai.chat", 1.1, 0.5, parent_id=spans[1].span_id, attributes=dict(spans[1].attributes))
    assert made([*spans, inner])["events"] == made(spans)["events"]


def test_spans_that_are_their_own_parents_are_told():
    first, second = chat_new()[1], chat_new()[3]
    first.parent_id, second.parent_id = second.span_id, first.span_id
    told = made([first, second])["events"]
    first.parent_id, second.parent_id = first.span_id, second.span_id
    assert [event["type"] for event in told] == ["message", "tool_call", "tool_result", "message"]
    assert made([first, second])["events"] == told


def test_without_messages_the_agents_input_and_output_are_told_around_the_tools():
    spans = [
        root(attributes={"openinference.span.kind": "AGENT", "input.value": ASKED, "output.value": ANSWER}),
        span("LLM", 1, attributes={"openinference.span.kind": "LLM", "llm.model_name": "m"}),
        span("get_order", 2, attributes={"openinference.span.kind": "TOOL", "tool.name": "get_order"}),
    ]
    assert [e["type"] for e in made(spans)["events"]] == ["message", "tool_call", "tool_result", "message"]


def test_a_model_that_fails_is_an_error():
    failed = span("chat", 1, has_error=True, attributes={"gen_ai.operation.name": "chat", "error.type": "RateLimited"})
    assert made([failed])["events"][0]["text"] == "RateLimited"


def test_an_evaluation_says_how_it_ended():
    spans = chat_new()
    spans[0].events = assemble_events([("gen_ai.evaluation.result", {
        "gen_ai.evaluation.name": "helpful", "gen_ai.evaluation.score.value": 0.25, "gen_ai.evaluation.score.label": "fail",
        "gen_ai.evaluation.explanation": "No date.",
    })])  # fmt: skip
    assert made(spans)["outcome"] == {
        "status": "failure", "score": 0.25, "source": "evaluation helpful", "detail": "No date.",
    }  # fmt: skip


def test_anthropics_and_bedrocks_blocks_are_read():
    said = [
        {"role": "user", "content": [{"text": ASKED}]},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "get_order", "input": {"id": 7}}]},
        {
            "role": "user",
            "content": [{"toolResult": {"toolUseId": "c1", "status": "error", "content": [{"text": "no"}]}}],
        },
    ]
    chat = span("chat", attributes={"gen_ai.operation.name": "chat", "gen_ai.input.messages": json.dumps(said)})
    assert [(e["type"], e.get("is_error")) for e in made([chat])["events"]] == [
        ("message", None),
        ("tool_call", None),
        ("tool_result", True),
    ]


def test_spans_of_other_things_are_not_known():
    assert not is_known(span("GET /", attributes={"http.method": "GET", "session.id": "x"}))
    assert is_known(span("x", attributes={"traceloop.span.kind": "task"}))
    assert assemble([span("embed", attributes={"gen_ai.operation.name": "embeddings"})]) is None
