"""Messages of chats, in the forms that producers write them, to events of format 1.

Read are OpenAI's (`content`, `tool_calls`), Anthropic's and Bedrock's blocks, and the `parts` of OpenTelemetry.
Reasoning is left out: it is no step that anybody saw.
"""

from typing import Any

from sessions.foreign import clean_json, parsed, text_of
from sessions.otel.spans import Part

ROLES = {
    **dict.fromkeys(("user", "human"), "user"),
    **dict.fromkeys(("assistant", "model", "ai", "agent", "chatbot"), "agent"),
    **dict.fromkeys(("system", "developer"), "system"),
    **dict.fromkeys(("tool", "function", "ipython"), "tool"),
}
_CALLS = {"tool_call", "tool_use", "toolUse", "function_call", "server_tool_call", "server_tool_use"}
_RESULTS = {
    *("tool_call_response", "tool_result", "toolResult", "function_call_output"),
    *("server_tool_call_response", "tool_response"),
}
_LEFT_OUT = {"reasoning", "thinking", "redacted_thinking", "reasoningContent"}
_BLOCK_KEYS = ("type", "text", "toolUse", "toolResult")


def messages_of(value: Any, role: str) -> list[Part]:
    """The parts of a list of messages (or of its JSON); `role` is whose they are where none is named."""
    value = parsed(value)
    if isinstance(value, dict) and isinstance(value.get("messages"), list):
        value = value["messages"]
    messages = value if isinstance(value, list) else [value]
    if messages and all(_is_block(one) and "role" not in one for one in messages):
        return parts_of({"content": messages}, role)
    return [part for message in messages for part in parts_of(message, role)]


def parts_of(message: Any, role: str) -> list[Part]:
    """The events of one message: its text, then the calls in it; or the results that it brings."""
    if isinstance(message, str):
        message = {"content": message}
    if not isinstance(message, dict):
        return []
    if isinstance(message.get("message"), dict) and "role" not in message:
        message = message["message"]
    role = ROLES.get(text_of(message.get("role")).lower(), role)
    parts: list[Part] = []
    texts: list[str] = []
    for block in _blocks(message.get("parts") if message.get("parts") is not None else message.get("content")):
        kind = _kind(block)
        if kind in _CALLS:
            parts.append(_call(block))
        elif kind in _RESULTS:
            parts.append(_result(block))
        elif kind not in _LEFT_OUT and (text := _text(block)).strip():
            texts.append(text)
    text = "\n".join(texts)
    if role == "tool" and (text or not parts):
        call_id = message.get("tool_call_id") or message.get("id")
        parts.append(result_part(call_id, message.get("name"), text))
    elif text:
        parts.insert(0, {"type": "message", "role": role, "text": text})
    calls = parsed(message.get("tool_calls")) or ([message["function_call"]] if message.get("function_call") else [])
    return parts + [_call(call) for call in (calls if isinstance(calls, list) else []) if isinstance(call, dict)]


def call_part(call_id: Any, tool: Any, arguments: Any) -> Part:
    part: Part = {"type": "tool_call", "role": "agent", "tool": text_of(tool), "call_id": text_of(call_id)}
    arguments = parsed(arguments)
    return part if arguments in (None, "") else part | {"input": clean_json(arguments)}


def result_part(call_id: Any, tool: Any, output: Any, is_error: Any = None) -> Part:
    part: Part = {
        "type": "tool_result", "role": "tool", "tool": text_of(tool), "call_id": text_of(call_id), "output": said(output),
    }  # fmt: skip
    return part | {"is_error": is_error} if isinstance(is_error, bool) else part


def said(value: Any) -> str:
    """The text of a result: of blocks their texts, of anything else that is no text its JSON."""
    blocks = parsed(value)
    if isinstance(blocks, list) and blocks and all(_is_block(block) for block in blocks):
        return "\n".join(_text(block) for block in blocks)
    return text_of(value)


def _is_block(value: Any) -> bool:
    return isinstance(value, dict) and any(isinstance(value.get(key), str | dict) for key in _BLOCK_KEYS)


def _blocks(content: Any) -> list[Any]:
    if content is None:
        return []
    inner = parsed(content)
    if isinstance(inner, list) and (inner is content or all(_is_block(one) for one in inner)):
        return inner
    if _is_block(inner) and (inner is content or _kind(inner) != "text"):
        return [inner]
    return [content]


def _kind(block: Any) -> str:
    if not isinstance(block, dict):
        return "text"
    if isinstance(block.get("type"), str):
        return str(block["type"])
    return next((key for key in ("toolUse", "toolResult", "reasoningContent") if key in block), "text")


def _text(block: Any) -> str:
    if not isinstance(block, dict):
        return text_of(block)
    text = block.get("text", block.get("content"))
    if isinstance(text, str):
        return text_of(text)
    kind = _kind(block)
    return f"[{text_of(kind)[:40]}]" if kind not in ("text", "json") else text_of(block)


def _call(block: dict[str, Any]) -> Part:
    if isinstance(block.get("toolUse"), dict):
        block = block["toolUse"]
    function = block.get("function") if isinstance(block.get("function"), dict) else block
    arguments = next((function[key] for key in ("arguments", "input", "args") if key in function), None)
    call_id = block.get("id") or block.get("call_id") or block.get("toolUseId") or block.get("tool_call_id")
    return call_part(call_id, function.get("name"), arguments)


def _result(block: dict[str, Any]) -> Part:
    if isinstance(block.get("toolResult"), dict):
        block = block["toolResult"]
    output = next((block[key] for key in ("response", "result", "content", "output") if key in block), None)
    call_id = block.get("id") or block.get("tool_use_id") or block.get("toolUseId") or block.get("call_id")
    is_error = True if block.get("status") == "error" else block.get("is_error")
    return result_part(call_id, block.get("name"), output, is_error)
