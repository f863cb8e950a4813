"""Talking to the model: typed answers, checked, asked for once more when wrong; every call paid and bounded."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import anthropic
from anthropic.types import Message, MessageParam, TextBlockParam
from django.conf import settings
from pydantic import BaseModel, ValidationError

from dreaming.engines.base import EngineFailed, LeftOut
from dreaming.engines.cost import Wallet, rough_tokens, usage_of
from memory.paths import InvalidMemory
from memory.services import Refused

MAX_OUTPUT_TOKENS = 8_000
ATTEMPTS = 2
RETRIES = 4
# While somebody waits for an estimate, an API that is away must be told of soon.
HURRIED_SECONDS, HURRIED_RETRIES = 15.0, 1
STRANGE = "What {} answers is not what the API answers: check ANTHROPIC_BASE_URL."
Answer = TypeVar("Answer", bound=BaseModel)
Result = TypeVar("Result")
CUT_OFF = ("max_tokens", "model_context_window_exceeded")


class BadAnswer(ValueError):
    """An answer that cannot be used; the message tells the model why."""


UNUSABLE = (BadAnswer, Refused, InvalidMemory)


def connect(*, hurried: bool = False) -> anthropic.Anthropic:
    """The SDK's client, by our settings alone. It waits and tries again on 408, 409, 429 and 5xx."""
    seconds = settings.DAYLIGHT_MODEL_TIMEOUT
    return anthropic.Anthropic(
        api_key=settings.ANTHROPIC_API_KEY,
        base_url=settings.ANTHROPIC_BASE_URL,
        timeout=min(seconds, HURRIED_SECONDS) if hurried else seconds,
        max_retries=HURRIED_RETRIES if hurried else RETRIES,
    )


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what the SDK raises into `EngineFailed`, with what to do about it."""
    try:
        yield
    except (anthropic.AuthenticationError, anthropic.PermissionDeniedError) as error:
        raise EngineFailed(f"The key was refused ({error.status_code}): check ANTHROPIC_API_KEY.") from error
    except anthropic.NotFoundError as error:
        raise EngineFailed(f"The API knows no such thing: {_said(error)}. Check DAYLIGHT_MODEL and the ids.") from error
    except anthropic.RateLimitError as error:
        raise EngineFailed("The rate limit held. Try again later.") from error
    except anthropic.APITimeoutError as error:
        raise EngineFailed("The API did not answer in time. Try again later.") from error
    except anthropic.APIConnectionError as error:
        raise EngineFailed(f"{settings.ANTHROPIC_BASE_URL} cannot be reached. Check the network.") from error
    except anthropic.APIStatusError as error:
        raise EngineFailed(f"The API answered {error.status_code}: {_said(error)}.") from error
    except (anthropic.APIError, json.JSONDecodeError) as error:
        raise EngineFailed(STRANGE.format(settings.ANTHROPIC_BASE_URL)) from error


def _said(error: anthropic.APIStatusError) -> str:
    body = error.body if isinstance(error.body, dict) else {}
    detail = body.get("error")
    return str(detail.get("message", ""))[:300] if isinstance(detail, dict) else "no reason given"


def params(system: list[TextBlockParam], messages: Sequence[MessageParam], answer: type[BaseModel]) -> dict[str, Any]:
    """The body of one request for a typed answer, for a call or a batch."""
    config: dict[str, Any] = {"format": {"type": "json_schema", "schema": anthropic.transform_schema(answer)}}
    if settings.DAYLIGHT_MODEL_EFFORT:
        config["effort"] = settings.DAYLIGHT_MODEL_EFFORT
    return {
        "model": settings.DAYLIGHT_MODEL,
        "max_tokens": MAX_OUTPUT_TOKENS,
        "system": system,
        "messages": list(messages),
        "output_config": config,
    }


def parsed(reply: Message, answer: type[Answer]) -> Answer:
    """The reply's typed answer. Raises `LeftOut` for a refusal, `BadAnswer` for one that is cut off or malformed."""
    if reply.stop_reason == "refusal":
        raise LeftOut("The model declined to answer.")
    if reply.stop_reason in CUT_OFF:
        raise BadAnswer("Your answer was cut off. Give a shorter one.")
    if "\\u0000" in text_of(reply):  # what no database keeps
        raise BadAnswer("Your answer holds a NUL. Leave it out.")
    try:
        return answer.model_validate_json(text_of(reply))
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)[:3]
        said = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in faults)
        raise BadAnswer(f"Your answer does not fit the schema: {said}") from error


def text_of(reply: Message) -> str:
    return "".join(block.text for block in reply.content if block.type == "text")


class Model:
    """The model as one pass uses it; `hurried` while somebody waits for the answer."""

    def __init__(self, wallet: Wallet, *, hurried: bool = False) -> None:
        self.wallet, self.client = wallet, connect(hurried=hurried)

    def ask(
        self,
        *,
        system: list[TextBlockParam],
        prompt: str,
        answer: type[Answer],
        check: Callable[[Answer], Result],
        part: float = 1.0,
    ) -> Result:
        """What `check` makes of the answer. When it raises, the model is told why and may try once more.

        Raises `LeftOut` when that fails too or the model declines, `OverBudget` before a call that could pass
        `part` of the caps, `EngineFailed` when the API is not to be had.
        """
        messages: list[MessageParam] = [{"role": "user", "content": prompt}]
        problem = ""
        for _ in range(ATTEMPTS):
            reply = self._send(system, messages, answer, part)
            try:
                return check(parsed(reply, answer))
            except UNUSABLE as error:
                problem = str(error)
            if text := text_of(reply).strip():
                messages.append({"role": "assistant", "content": text})
            messages.append({"role": "user", "content": f"That cannot be used: {problem}\nAnswer again, in full."})
        raise LeftOut(f"The model's answer could not be used, twice: {problem}")

    def _send(
        self, system: list[TextBlockParam], messages: list[MessageParam], answer: type[BaseModel], part: float
    ) -> Message:
        texts = [block["text"] for block in system] + [str(message["content"]) for message in messages]
        tokens = sum(map(rough_tokens, texts)) + 2_000  # the schema, and what frames the texts
        self.wallet.afford(input_tokens=tokens, output_tokens=MAX_OUTPUT_TOKENS, part=part)
        with plain_errors():
            reply = self.client.messages.create(**params(system, messages, answer))
        if not isinstance(reply, Message) or not isinstance(
            reply.content, list
        ):  # some proxy's page, answered with 200
            raise EngineFailed(STRANGE.format(settings.ANTHROPIC_BASE_URL))
        self.wallet.charge(usage_of(reply.usage))
        return reply

    def count(self, system: list[TextBlockParam], prompt: str, answer: type[BaseModel]) -> int:
        """How many tokens the API counts for this request. Free."""
        body = params(system, [{"role": "user", "content": prompt}], answer)
        del body["max_tokens"]
        with plain_errors():
            return self.client.messages.count_tokens(**body).input_tokens
