"""What was answered: the document of one response, and which questions it makes us ask.

The document keeps the answer in force for each question and, under `history`, every answer it took the place of.
Nothing is deleted.
"""

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, StrEnum
from typing import Any

from intake.questionnaires import PARTS, Condition, Item, Questionnaire


class State(StrEnum):
    """What is known about one answer. Only ANSWERED has a value that a rule may read; `0` and "no" are answers."""

    ANSWERED = "answered"
    NOT_SURE = "not_sure"
    PREFER_NOT_TO_SAY = "prefer_not_to_say"
    SKIPPED = "skipped"
    UNPARSEABLE = "unparseable"
    SEEN = "seen"


class Truth(Enum):
    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


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

    def retire_unasked(self, questionnaire: Questionnaire, *, at: str) -> None:
        """Moves answers whose gate is now a definite "no" to the history, so that they never count again unless given
        anew.
        """
        asked = what_is_asked(questionnaire, self)
        for page in questionnaire.pages:
            if asked[page.number] is Truth.FALSE:
                for item in page.questions:
                    answer = self.answers.pop(item.link_id, None)
                    if answer is not None:
                        self.history.append(replace(answer, superseded_at=at))

    def changes(self, link_id: str) -> list[Answer]:
        """Earlier answers to a question, oldest first."""
        return [answer for answer in self.history if answer.link_id == link_id]


def _answer(values: Mapping[str, Any]) -> Answer:
    return Answer(**{**values, "state": State(values["state"])})


def what_is_asked(questionnaire: Questionnaire, document: AnswerDocument) -> dict[int, Truth]:
    """For each page number: TRUE asked, FALSE not applicable, UNKNOWN its gate is open, so it is asked too."""
    asked: dict[int, Truth] = {}
    for page in questionnaire.pages:
        conditions = page.item.enable_when
        truths = [_condition(questionnaire, document, asked, condition) for condition in conditions]
        asked[page.number] = _any(truths) if page.item.enable_any else _all(truths)
    return asked


def _condition(
    questionnaire: Questionnaire, document: AnswerDocument, asked: Mapping[int, Truth], condition: Condition
) -> Truth:
    gate = questionnaire.page_of[condition.question]
    if asked[gate.number] is Truth.FALSE:
        return Truth.FALSE
    value = _comparable(questionnaire, document, condition.question)
    if condition.operator == "exists":
        return _truth((value is not None) == condition.answer)
    if value is None:
        return Truth.UNKNOWN
    if isinstance(value, list):
        return _truth((condition.answer in value) == (condition.operator == "="))
    return _compare(value, condition)


def _comparable(questionnaire: Questionnaire, document: AnswerDocument, question: str) -> Any:
    if question in PARTS:
        reading = document.value("blood_pressure")
        return None if reading is None else float(reading[PARTS[question]])
    item: Item = questionnaire.questions[question]
    value = document.value(question)
    return float(value) if value is not None and item.type == "number" else value


def _compare(value: Any, condition: Condition) -> Truth:
    answer, operator = condition.answer, condition.operator
    try:
        results = {"=": value == answer, "!=": value != answer}
        if operator not in results:
            results |= {">": value > answer, "<": value < answer, ">=": value >= answer, "<=": value <= answer}
    except TypeError:
        return Truth.UNKNOWN
    return _truth(results[operator])


def _truth(value: bool) -> Truth:
    return Truth.TRUE if value else Truth.FALSE


def _all(truths: Iterable[Truth]) -> Truth:
    truths = list(truths)
    if Truth.FALSE in truths:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.TRUE


def _any(truths: Iterable[Truth]) -> Truth:
    truths = list(truths)
    if Truth.TRUE in truths:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.FALSE
