"""Plain values that a dream pass works on: sessions in, digests between, findings out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any, Literal

import msgspec

from dreaming.mining.edits import Edit
from dreaming.mining.learnt import MemoryView as MemoryView
from dreaming.mining.learnt import Preference as Preference
from dreaming.mining.learnt import Upkeep as Upkeep
from dreaming.mining.learnt import Workflow as Workflow
from dreaming.mining.templates import tool_family

DIGEST_VERSION = 12
QUOTE_LIMIT = 300
_OFTEN = 0.3

Kind = Literal["recurring_failure", "workaround", "workflow", "preference", "upkeep"]
Stance = Literal["supports", "contradicts"]


@dataclass(frozen=True, slots=True)
class EventView:
    """One event of a session; a string that the producer left out is ''."""

    seq: int
    type: str
    role: str
    text: str
    tool: str
    call_id: str
    input: str
    output: str
    is_error: bool | None


@dataclass(frozen=True, slots=True)
class SessionView:
    """One session with its events in order of `seq`."""

    ref: int
    external_id: str
    agent: str
    principal: str
    task_id: str
    outcome: str
    score: float | None
    events: Sequence[EventView]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """An exact substring, at most `QUOTE_LIMIT` characters, of one event's text, output or input."""

    seq: int
    text: str


@dataclass(frozen=True, slots=True)
class ErrorSeen:
    """One error template that one session met on one tool; the quote is of its first occurrence.

    `marked` says that the tool calls it an error, or its words do. `attached` says that a recorded call failed; else the
    harness or the model refused before there was one, or nothing marks the answer as an error.
    `call` quotes its input. `earlier` quotes the last working call of each tool in `earlier_tools` that was
    given one of the same values.
    """

    template: str
    values: tuple[str, ...]
    tool: str
    quote: Quote
    occurrences: int
    retried: int
    healed_by_retry: int
    recovered: bool
    attached: bool
    call: Quote
    earlier: tuple[Quote, ...]
    earlier_tools: tuple[str, ...]
    features: tuple[str, ...]
    marked: bool = True


@dataclass(frozen=True, slots=True)
class RepairSeen:
    """What an agent changed after an error, and whether the changed call worked.

    `change` is a signature without ids or amounts. `before` and `after` are the two inputs in short. `result`
    quotes the changed call's own result when that failed in the same words, else its input again: another error may be
    anything. `sources` says where the
    new values had stood before: `user`, or `tool:` and a tool family. `asked` says that the user spoke in
    between.
    """

    template: str
    values: tuple[str, ...]
    tool: str
    to_tool: str
    change: str
    arguments: tuple[str, ...]
    error: Quote
    repair: Quote
    result: Quote
    before: str
    after: str
    helped: bool
    asked: bool
    sources: tuple[str, ...]
    occurrences: int


@dataclass(frozen=True, slots=True)
class ToolUse:
    """How often a session called one tool, and what its successful calls looked like.

    `features` and `moves` describe successful calls: the base rate that errors are compared with.
    """

    tool: str
    calls: int
    successes: int
    features: tuple[str, ...]
    moves: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StepSeen:
    """One step of a session's work: the call's abstracted signature, in order, repeats in a row left out."""

    signature: str
    worked: bool
    quote: Quote

    @property
    def tool(self) -> str:
        """The tool's family, without the switches that are on."""
        return tool_family(self.signature.partition("(")[0])


@dataclass(frozen=True, slots=True)
class RemarkSeen:
    """What a user said against what the agent did: a `correction`, a `denial`, a `reask`, an
    `objection` (a denial that may concern this task alone), a `repeat` (much like what was said before), a `reply`
    to what the agent said, or an `aside`, which answers nothing; both may be anything.

    `quote` is the text, or its first `QUOTE_LIMIT` characters. `about` is what the agent said or did right before.
    """

    kind: str
    quote: Quote
    about: str = ""


@dataclass(frozen=True, slots=True)
class Digest:
    """What a pass keeps of one session: a few KB, however long the session was.

    `said` are short plain answers of tools that nothing marks as errors: some may be. Their `retried` counts how often
    the same call was made again at once. `tries` are what the agent did after them, should they be failures.
    `week` is the Monday (UTC, ISO 8601) of the week in which it began, where known.
    `stated` are sentences with an amount, of whoever wrote or answered them; `own` are the events of the agent among them.
    `silent` names the tools whose results never say whether they failed (`is_error` missing throughout).
    """

    ref: int
    external_id: str
    agent: str
    principal: str
    task_id: str
    outcome: str
    events: int
    tools: tuple[ToolUse, ...]
    errors: tuple[ErrorSeen, ...]
    repairs: tuple[RepairSeen, ...]
    steps: tuple[StepSeen, ...] = ()
    remarks: tuple[RemarkSeen, ...] = ()
    said: tuple[ErrorSeen, ...] = ()
    tries: tuple[RepairSeen, ...] = ()
    score: float | None = None
    source: str = ""
    silent: tuple[str, ...] = ()
    stated: tuple[Quote, ...] = ()
    own: tuple[int, ...] = ()
    week: str = ""
    version: int = DIGEST_VERSION

    def to_json(self) -> dict[str, Any]:
        """Return plain dicts, lists, strings, numbers and booleans."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Digest:
        """Rebuild a digest. ValueError if it was written by another version of the digester."""
        if data.get("version") != DIGEST_VERSION:
            raise ValueError(f"digest version {data.get('version')!r}, expected {DIGEST_VERSION}")
        rebuilt = {"tools", "errors", "repairs", "steps", "remarks", "said", "tries", "silent", "stated", "own"}
        plain = {key: _rebuilt(value) for key, value in data.items() if key not in rebuilt}
        return cls(
            **plain,
            tools=tuple(ToolUse(**_tuples(item)) for item in data["tools"]),
            errors=tuple(ErrorSeen(**_tuples(item)) for item in data["errors"]),
            repairs=tuple(RepairSeen(**_tuples(item)) for item in data["repairs"]),
            steps=tuple(StepSeen(**_tuples(item)) for item in data["steps"]),
            remarks=tuple(RemarkSeen(**_tuples(item)) for item in data["remarks"]),
            said=tuple(ErrorSeen(**_tuples(item)) for item in data["said"]),
            tries=tuple(RepairSeen(**_tuples(item)) for item in data["tries"]),
            silent=tuple(data["silent"]),
            stated=tuple(Quote(**item) for item in data["stated"]),
            own=tuple(data["own"]),
        )


def _tuples(item: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _rebuilt(value) for key, value in item.items()}


def _rebuilt(value: Any) -> Any:
    if isinstance(value, str):
        return intern(value)
    if isinstance(value, list):
        return tuple(_rebuilt(item) for item in value)
    return Quote(**value) if isinstance(value, dict) else value


@dataclass(frozen=True, slots=True)
class Support:
    """Counts over distinct sessions that met the error, and how they ended.

    `eligible` are the sessions that could have met it: they called the tool. `met_*` and `other_*` split the
    eligible sessions whose outcome is known. `effect` is the difference of the success rates, met minus other
    (-1 to 1), with its 95 % interval. `p_value` is two-sided; `p_adjusted` is that of the question looked at (for an
    error: that sessions with it end worse), one-sided, allowed for all that were asked; `within_task` says that runs of the same task
    were compared, in which case `effect` is the Mantel-Haenszel one; `p_pooled` is that of Fisher's test over
    all. `occurrences` counts failing calls. `weeks` has for each week (its Monday, ISO 8601), the last 26 at most, the
    sessions that met it and those that could have. `among_callers` says that the other sessions called the tool too; else
    they are any that were compared.
    """

    sessions: int
    agents: int
    principals: int
    tasks: int
    occurrences: int
    eligible: int
    met_success: int
    met_total: int
    other_success: int
    other_total: int
    p_value: float
    p_adjusted: float
    p_pooled: float
    effect: float
    effect_low: float
    effect_high: float
    within_task: bool
    weeks: tuple[tuple[str, int, int], ...] = ()
    among_callers: bool = True


NOTHING = Support(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.0, 1.0, 1.0, 0.0, -1.0, 1.0, False)


@dataclass(frozen=True, slots=True)
class EvidenceRef:
    """One exact quote for or against a finding."""

    session_ref: int
    session: str
    agent: str
    seq: int
    quote: str
    stance: Stance


@dataclass(frozen=True, slots=True)
class Remedy:
    """What agents changed after the error.

    Of `adopted` sessions that made the change, it worked in `helped`; `asked` had a message of the user in
    between, and `sources` counts where the new values had stood before. `agents` found it, for `principals`;
    `scope` names the principal when the change was made for one only, though others met the error. `usual` is
    the share of sessions that make the same move after the tool *worked*. `adopted_success` of
    `adopted_total` ended in success, and `rest_success` of `rest_total` of those that met the error and did
    something else (known outcomes only); `p_outcome` is of that comparison alone, not adjusted. Of `working`
    other sessions in which the tool worked, `without` did so without the change; 0 of 0 where that is not known.
    `common` are the commonest new values that several principals share; `refused` and `taken` are the changed arguments'
    commonest values before and after the change; `edits` are what nearly all values lost and gained that were written anew.
    """

    change: str
    to_tool: str
    arguments: tuple[tuple[str, int], ...]
    constants: tuple[tuple[str, str], ...]
    sources: tuple[tuple[str, int], ...]
    adopted: int
    helped: int
    asked: int
    agents: int
    principals: int
    scope: str
    usual: float
    p_adjusted: float
    adopted_success: int
    adopted_total: int
    rest_success: int
    rest_total: int
    p_outcome: float
    before: str
    after: str
    working: int = 0
    without: int = 0
    common: tuple[tuple[str, str], ...] = ()
    refused: tuple[str, ...] = ()
    taken: tuple[str, ...] = ()
    edits: tuple[Edit, ...] = ()

    @property
    def sometimes(self) -> bool:
        """Whether the call often works without the change, so that it is for when the error is met."""
        return self.without > _OFTEN * self.working


@dataclass(frozen=True, slots=True)
class Cause:
    """A property of failing calls that working calls of the tool lack.

    `met` of `met_total` sessions with the error show it, `other` of `other_total` sessions where the tool
    worked.
    """

    feature: str
    met: int
    met_total: int
    other: int
    other_total: int
    p_adjusted: float


@dataclass(frozen=True, slots=True)
class Finding:
    """A pattern that the pass measured. `claim_key` names the claim alone, never counts or members; `aliases` are
    the keys that it would have if another of its wordings named it.

    `graduates` says that several agents found it independently, so that it may belong in a shared tool, the
    system prompt or the codebase rather than in memory. `variants` are other wordings of the template, or of the wish;
    `names` are the whole names of other tools that it speaks of.
    """

    kind: Kind
    claim_key: str
    title: str
    tool: str
    template: str
    message: str
    warning: bool
    support: Support
    recovered: int
    transient: int
    remedy: Remedy | None
    causes: tuple[Cause, ...]
    benefit: float
    evidence: tuple[EvidenceRef, ...]
    lesson: Workflow | Preference | Upkeep | None = None
    graduates: bool = False
    variants: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    names: tuple[tuple[str, str], ...] = ()

    def named(self, step: str) -> str:
        """Return a step of the remedy or the cause as agents call it."""
        return dict(self.names).get(step, step)


@dataclass(frozen=True, slots=True)
class Discarded:
    """A pattern that was looked at and left out, with the reason."""

    reason: str
    title: str
    claim_key: str
    tool: str
    template: str
    support: Support


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a pattern is worth a reviewer's time. Shares and rates are 0 to 1.

    `min_sessions` is the floor for small windows; `Thresholds.sessions_for` scales it with the window.
    """

    min_sessions: int = 5
    min_agents: int = 1
    min_tasks: int = 2
    alpha: float = 0.01
    min_effect: float = 0.1
    min_adoption: float = 0.25
    min_help: float = 0.6
    min_share: float = 0.02
    min_gain: float = 0.15
    min_principals: int = 3
    max_evidence: int = 12

    def sessions_for(self, window: int) -> int:
        """Return the least number of sessions for a window of so many: one more per doubling above 200."""
        return self.min_sessions + max(0, (window // 200).bit_length() - 1)


@dataclass(frozen=True, slots=True)
class MiningResult:
    """What a pass found, best first, and what it left out on purpose."""

    findings: tuple[Finding, ...]
    discarded: tuple[Discarded, ...]
    sessions: int
    events: int
