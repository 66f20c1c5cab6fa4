"""Which questions an answer document makes us ask."""

from collections.abc import Iterable, Mapping
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
    asked: dict[int, Truth] = {}
    for page in questionnaire.pages:
        if not page.item.enable_when:
            asked[page.number] = Truth.TRUE
            continue
        truths = [_condition(questionnaire, document, asked, condition) for condition in page.item.enable_when]
        asked[page.number] = _any(truths) if page.item.enable_any else _all(truths)
    return asked


def _condition(
    questionnaire: Questionnaire, document: AnswerDocument, asked: Mapping[int, Truth], condition: Condition
) -> Truth:
    gate = questionnaire.page_of[condition.question]
    if condition.question in questionnaire.scores or condition.question in questionnaire.screens:
        value = score_or_screen(questionnaire, document, asked, condition.question)
    elif asked[gate.number] is Truth.FALSE:
        return Truth.FALSE
    else:
        value = _comparable(questionnaire, document, condition.question)
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
    if not has_shape(item, value):
        return None
    if question in PARTS or item.type == "number":
        return float(measures(item, value)[PARTS.get(question, "value")])
    return value


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
