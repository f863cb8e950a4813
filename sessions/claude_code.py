"""Claude Code's transcripts: one record, a line of JSON, to events of format 1. Pure.

A transcript is `~/.claude/projects/PROJECT/SESSION.jsonl`; its records are messages of the Messages API with
what was known around them. What the model thought is left out: it is no step that anybody saw.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sessions.foreign import clean, clean_json, text_of

Event = dict[str, Any]
RECORD_TYPES = {
    *("user", "assistant", "system", "summary", "attachment", "progress"),
    *("file-history-snapshot", "queue-operation"),
}
REJECTED = "Rejected by the user."
_REJECTION = re.compile(
    r"\s*(?:The user doesn't want to (?:proceed with this tool use|take this action right now)"
    r"|The agent proposed a plan that was rejected by the user|User rejected tool use)"
)
# What the program adds after the words of the user.
_ADDED = re.compile(r"\n\s*Note: The user's next message may contain", re.DOTALL)
_SAID = "the user said:"
_INTERRUPTED = "[Request interrupted by user"
_NOT_TYPED = re.compile(
    r"\s*<(?:command-|local-command-|bash-|ide_|system-reminder|task-notification|user-memory-|user-prompt-submit-hook)"
)
_NO_ANSWER = "No response requested."


class _Head(msgspec.Struct):
    type: Any = ""
    sessionId: Any = ""  # noqa: N815  (its name there)
    events: Any = msgspec.UNSET


def is_record(line: bytes) -> bool | None:
    """Whether a line is of a transcript rather than a session of format 1; None if it is no JSON object."""
    try:
        head = msgspec.json.decode(line, type=_Head)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    if head.events is not msgspec.UNSET or not isinstance(head.type, str) or not head.type:
        return False
    return head.type in RECORD_TYPES or bool(head.sessionId)


@dataclass(slots=True)
class Talk:
    """What has to be known of the records before. `stopped`: the user said stop, and not yet what to do instead."""

    tools: dict[str, str] = field(default_factory=dict)
    models: list[str] = field(default_factory=list)
    stopped: bool = False

    def events_of(self, record: dict[str, Any]) -> Iterator[Event]:
        """The events of one record, without numbers and times; none for what is bookkeeping."""
        kind = record.get("type")
        message = record.get("message")
        content = message.get("content") if isinstance(message, dict) else None
        if kind == "user" and record.get("isCompactSummary"):
            yield _text("note", "system", _joined(content))
        elif kind == "user" and not record.get("isMeta"):
            for block in _blocks(content):
                yield from self._of_user(block)
        elif kind == "assistant" and isinstance(message, dict):
            self._note_model(message.get("model"))
            for block in _blocks(content):
                yield from self._of_agent(block, failed=bool(record.get("isApiErrorMessage")))
        elif kind == "attachment":
            yield from self._of_attachment(record.get("attachment"))
        elif kind == "system" and isinstance(record.get("content"), str):
            yield _text("note", "system", record["content"])

    def _of_attachment(self, attached: Any) -> Iterator[Event]:
        """What a user said while the agent was at work; other attachments are the program's own."""
        if isinstance(attached, dict) and attached.get("type") == "queued_command":
            for block in _blocks(attached.get("prompt")):
                yield from self._of_user(block)

    def _note_model(self, model: Any) -> None:
        if isinstance(model, str) and model and model != "<synthetic>" and model not in self.models:
            self.models.append(clean(model))

    def _of_user(self, block: dict[str, Any]) -> Iterator[Event]:
        kind = block.get("type")
        if kind == "tool_result":
            yield from self._result(block)
            return
        text = _text_of_block(block)
        if not text.strip():
            return
        if text.startswith(_INTERRUPTED):
            self.stopped = True
            yield _text("note", "user", text)
        elif _NOT_TYPED.match(text):
            yield _text("note", "user", text)
        else:
            yield _text("correction" if self.stopped else "message", "user", text)
            self.stopped = False

    def _result(self, block: dict[str, Any]) -> Iterator[Event]:
        call_id = text_of(block.get("tool_use_id"))
        output = _joined(block.get("content"))
        event: Event = {"type": "tool_result", "role": "tool", "call_id": call_id, "output": output}
        if tool := self.tools.get(call_id):
            event["tool"] = tool
        event["is_error"] = bool(block.get("is_error"))
        if not _REJECTION.match(output):
            yield event
            return
        yield event | {"output": REJECTED, "is_error": True}
        _, _, said = output.partition(_SAID)
        said = _ADDED.split(said)[0].strip()
        self.stopped = not said
        if said:
            yield _text("correction", "user", said)

    def _of_agent(self, block: dict[str, Any], *, failed: bool) -> Iterator[Event]:
        kind = block.get("type")
        if kind in ("thinking", "redacted_thinking"):
            return
        if kind in ("tool_use", "server_tool_use", "mcp_tool_use"):
            call_id, tool = text_of(block.get("id")), text_of(block.get("name"))
            self.tools[call_id] = tool
            self.stopped = False
            yield {
                "type": "tool_call", "role": "agent", "tool": tool, "call_id": call_id,
                "input": clean_json(block.get("input")),
            }  # fmt: skip
        elif isinstance(kind, str) and kind.endswith("tool_result"):
            yield from self._result(block)
        elif (text := _text_of_block(block)).strip() and text != _NO_ANSWER:
            yield _text("error" if failed else "message", "agent", text)


def _text(kind: str, role: str, text: str) -> Event:
    return {"type": kind, "role": role, "text": clean(text)}


def _blocks(content: Any) -> list[dict[str, Any]]:
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if not isinstance(content, list):
        return []
    return [{"type": "text", "text": one} if isinstance(one, str) else one for one in content if _is_block(one)]


def _is_block(one: Any) -> bool:
    return isinstance(one, str | dict)


def _text_of_block(block: dict[str, Any]) -> str:
    """The text of a block; of an image or a file its kind alone, of an unknown one its JSON."""
    kind = block.get("type")
    if kind == "text":
        return text_of(block.get("text"))
    if kind in ("image", "document"):
        source = block.get("source")
        media = source.get("media_type") if isinstance(source, dict) else None
        return f"[{kind}{f' {clean(media)[:100]}' if isinstance(media, str) else ''}]"
    return text_of(block)


def _joined(content: Any) -> str:
    if content is None or isinstance(content, str):
        return clean(content or "")
    if not isinstance(content, list):
        return text_of(content)
    return clean("\n".join(filter(None, map(_text_of_block, _blocks(content)))))
