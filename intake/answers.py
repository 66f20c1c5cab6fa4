"""What was answered: the document of one response.

The document keeps the answer in force for each question and, under `history`, every answer it took the place of.
Nothing is deleted.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """What is known about one answer. Only ANSWERED has a value that a rule may read; `0` and "no" are answers."""

    ANSWERED = "answered"
    NOT_SURE = "not_sure"
    PREFER_NOT_TO_SAY = "prefer_not_to_say"
    SKIPPED = "skipped"
    UNPARSEABLE = "unparseable"
    SEEN = "seen"


@dataclass(frozen=True)
class Reply:
    """One question's answer as it came from a form: `value` is JSON, `shown` how it reads in the person's language."""

    state: State
    value: Any = None
    shown: str = ""

    @property
    def too_long_to_keep(self) -> bool:
        return self.state is State.UNPARSEABLE and self.value is None


@dataclass(frozen=True)
class Answer:
    """A reply as it is kept.

    With the wording the person saw, who entered it, when (ISO 8601, UTC) and in which revision.
    """

    link_id: str
    state: State
    value: Any
    question: str
    shown: str
    language: str
    entered_by: str
    at: str
    revision: int
    superseded_at: str = ""

    @property
    def answered(self) -> bool:
        return self.state is State.ANSWERED

    def age(self, now: datetime.datetime) -> datetime.timedelta:
        return now - datetime.datetime.fromisoformat(self.at)


@dataclass
class AnswerDocument:
    answers: dict[str, Answer] = field(default_factory=dict)
    history: list[Answer] = field(default_factory=list)

    @classmethod
    def from_json(cls, document: Mapping[str, Any] | None) -> "AnswerDocument":
        document = document or {}
        answers = [_answer(values) for values in document.get("answers", [])]
        return cls({answer.link_id: answer for answer in answers}, [_answer(v) for v in document.get("history", [])])

    def to_json(self) -> dict[str, Any]:
        return {"answers": [vars(a) for a in self.answers.values()], "history": [vars(a) for a in self.history]}

    def copy(self) -> "AnswerDocument":
        return AnswerDocument(dict(self.answers), list(self.history))

    def since(self, earlier: "AnswerDocument") -> dict[str, Any]:
        """What this document holds beyond an earlier state of it, as JSON."""
        was = earlier.answers
        return {
            "answers": [vars(a) for a in self.answers.values() if (b := was.get(a.link_id)) is not a and b != a],
            "retired": [link_id for link_id in was if link_id not in self.answers],
            "history": [vars(a) for a in self.history[len(earlier.history) :]],
        }

    def with_later(self, later: Mapping[str, Any]) -> "AnswerDocument":
        """The document that `since` compared with this one."""
        document = self.copy()
        for link_id in later["retired"]:
            del document.answers[link_id]
        document.answers |= {values["link_id"]: _answer(values) for values in later["answers"]}
        document.history += [_answer(values) for values in later["history"]]
        return document

    def get(self, link_id: str) -> Answer | None:
        return self.answers.get(link_id)

    def value(self, link_id: str) -> Any:
        """The value answered, or None for every other state."""
        answer = self.answers.get(link_id)
        return answer.value if answer is not None and answer.answered else None

    def put(self, answer: Answer) -> None:
        """Makes `answer` the one in force; what it replaces goes to the history when it said something else."""
        earlier = self.answers.get(answer.link_id)
        if earlier is not None and (earlier.state, earlier.value) != (answer.state, answer.value):
            self.history.append(replace(earlier, superseded_at=answer.at))
        self.answers[answer.link_id] = answer

    def retire(self, link_id: str, *, at: str) -> None:
        """Moves an answer to the history, so that it never counts again unless given anew."""
        answer = self.answers.pop(link_id, None)
        if answer is not None:
            self.history.append(replace(answer, superseded_at=at))

    def changes(self, link_id: str) -> list[Answer]:
        """Earlier answers to a question, oldest first."""
        return [answer for answer in self.history if answer.link_id == link_id]


_STATES = {state.value: state for state in State}


def _answer(values: dict[str, Any]) -> Answer:
    """Past the constructor, which for a frozen class takes ten times as long, and every page reads 100 answers.

    `values` becomes the answer: it is not copied.
    """
    answer = object.__new__(Answer)
    values["state"] = _STATES[values["state"]]
    object.__setattr__(answer, "__dict__", values)
    return answer
