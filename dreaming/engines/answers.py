"""What the model may answer. The field descriptions reach it as part of the schema."""

from typing import Literal

from pydantic import BaseModel, Field

Kind = Literal["recurring_failure", "workaround", "workflow", "preference"]


class Quoted(BaseModel):
    seq: int = Field(description="The number of the event that is quoted")
    quote: str = Field(description="Letters copied exactly from that event, 8 to 300 characters")
    stance: Literal["supports", "contradicts"]


class Observation(BaseModel):
    kind: Kind
    claim: str = Field(description="One sentence that would help another run: no names, ids, amounts or dates")
    quotes: list[Quoted] = Field(description="At least one that supports the claim")


class Notes(BaseModel):
    observations: list[Observation] = Field(description="At most 3; an empty list is a good answer")


class Lesson(BaseModel):
    kind: Kind
    claim: str = Field(description="One sentence that all members say")
    members: list[int] = Field(description="The numbers of the observations that say it")
    known_as: str = Field(description="The id of the listed claim that says the same, else empty")


class Lessons(BaseModel):
    lessons: list[Lesson]


class Judgement(BaseModel):
    verdict: Literal["propose", "discard"]
    reason: str = Field(description="One sentence: why it is worth a reviewer's time, or why not")
    path: str = Field(description="Of an existing memory if it belongs there, else a new path such as /tools/name.md")
    replaces: str = Field(
        description="Only for an existing memory: the exact passage that is replaced, or empty to add at its end"
    )
    content: str = Field(description="Markdown: the new passage, or the whole text of a new memory")
    title: str = Field(description="The claim in one sentence, at most 200 characters")
    rationale: str = Field(description="For the reviewer: what was measured, and what speaks against it")
