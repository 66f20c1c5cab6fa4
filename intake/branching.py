"""Which questions an answer document makes us ask."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from intake.answer_shapes import has_shape
from intake.answers import AnswerDocument
from intake.measures import measures
from intake.questionnaires import PARTS, Condition, Item, Questionnaire
from intake.scores import score_or_screen
from intake.truth import Truth


def retire_unasked(questionnaire: Questionnaire, document: AnswerDocument, *, at: str) -> dict[int, Truth]:
    """Moves answers whose gate is now a definite "no" to the history. Returns what is asked, which that leaves as it
    was: a page that is not asked opens no other, whatever it still holds."""
    asked = what_is_asked(questionnaire, document)
    for page in questionnaire.pages:
        if asked[page.number] is Truth.FALSE:
            for item in page.questions:
                document.retire(item.link_id, at=at)
    return asked


def what_is_asked(questionnaire: Questionnaire, document: AnswerDocument) -> dict[int, Truth]:
    """For each page number: TRUE asked, FALSE not applicable, UNKNOWN its gate is open, so it is asked too."""
    asked = dict.fromkeys(range(1, len(questionnaire.pages) + 1), Truth.TRUE)
    gates: dict[str, Any] = {}
    for page in questionnaire.pages_with_a_gate:
        truths = []
        for condition in page.item.enable_when:
            question = condition.question
            if question not in gates:
                gates[question] = _gate(questionnaire, document, asked, question)
            truths.append(_condition(gates[question], condition))
        asked[page.number] = _any(truths) if page.item.enable_any else _all(truths)
    return asked


_NOT_ASKED = object()


def _gate(questionnaire: Questionnaire, document: AnswerDocument, asked: Mapping[int, Truth], question: str) -> Any:
    """What conditions on a question look at; None while it is not known."""
    if question in questionnaire.scores or question in questionnaire.screens:
        return score_or_screen(questionnaire, document, asked, question)
    if asked[questionnaire.page_of[question].number] is Truth.FALSE:
        return _NOT_ASKED
    return _comparable(questionnaire, document, question)


def _condition(value: Any, condition: Condition) -> Truth:
    if value is _NOT_ASKED:
        return Truth.FALSE
    if condition.operator == "exists":
        return _truth((value is not None) == condition.answer)
    if value is None:
        return Truth.UNKNOWN
    if isinstance(value, list):
        return _truth((condition.answer in value) == (condition.operator == "="))
    return _compare(value, condition)


def _comparable(questionnaire: Questionnaire, document: AnswerDocument, question: str) -> Any:
    """The answer that a condition looks at, None while there is none: a measure as a float, else as it is kept."""
    item: Item = questionnaire.questions["blood_pressure" if question in PARTS else question]
    value = document.value(item.link_id)
    if value is None or not has_shape(item, value):
        return None
    if question in PARTS or item.type == "number":
        return float(measures(item, value)[PARTS.get(question, "value")])
    return value


_OPERATORS = {
    "=": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}


def _compare(value: Any, condition: Condition) -> Truth:
    try:
        return _truth(_OPERATORS[condition.operator](value, condition.answer))
    except TypeError:
        return Truth.UNKNOWN


def _truth(value: bool) -> Truth:
    return Truth.TRUE if value else Truth.FALSE


def _all(truths: Sequence[Truth]) -> Truth:
    if Truth.FALSE in truths:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.TRUE


def _any(truths: Sequence[Truth]) -> Truth:
    if Truth.TRUE in truths:
        return Truth.TRUE
    return Truth.UNKNOWN if Truth.UNKNOWN in truths else Truth.FALSE
