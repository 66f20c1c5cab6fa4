"""Which questions an answer document makes us ask."""

import operator
from collections.abc import Mapping, Sequence
from typing import Any

from intake.answer_shapes import has_shape
from intake.answers import AnswerDocument
from intake.measures import measures
from intake.questionnaires import PARTS, Condition, Item, Page, Questionnaire
from intake.scores import score_or_screen
from intake.truth import Truth


class Asked(dict[int, Truth]):
    """For each page number: TRUE asked, FALSE not applicable, UNKNOWN its gate is open, so it is asked too.

    Found out when somebody looks, so that whoever needs the next page does not pay for all of them.
    """

    def __init__(self, questionnaire: Questionnaire, document: AnswerDocument) -> None:
        super().__init__(questionnaire.asked_of_everybody)
        self._questionnaire, self._document = questionnaire, document
        self._gates: dict[str, Any] = {}

    def __missing__(self, number: int) -> Truth:
        item, gates = self._questionnaire.pages[number - 1].item, self._gates
        truths = []
        for condition in item.enable_when:
            question = condition.question
            if question not in gates:
                gates[question] = _gate(self._questionnaire, self._document, self, question)
            truths.append(_condition(gates[question], condition))
        self[number] = asked = _any(truths) if item.enable_any else _all(truths)
        return asked


def what_is_asked(questionnaire: Questionnaire, document: AnswerDocument) -> Asked:
    """Of every page, for a document that changes afterwards."""
    asked = Asked(questionnaire, document)
    for page in questionnaire.pages_with_a_gate:
        asked[page.number]
    return asked


def retire_unasked(
    questionnaire: Questionnaire, document: AnswerDocument, *, at: str, saved: Page | None = None
) -> Asked:
    """Moves answers whose gate is now a definite "no" to the history. Returns what is asked, which that leaves as it
    was: a page that is not asked opens no other, whatever it still holds.

    `saved` is the only page that changed since the last time, if that is known: most close none but themselves.
    """
    if saved is not None and questionnaire.gating.isdisjoint(item.link_id for item in saved.questions):
        asked, pages = Asked(questionnaire, document), [saved]
    else:
        asked, pages = what_is_asked(questionnaire, document), [*questionnaire.pages_with_a_gate]
    for page in pages:
        if asked[page.number] is Truth.FALSE:
            for item in page.questions:
                document.retire(item.link_id, at=at)
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
