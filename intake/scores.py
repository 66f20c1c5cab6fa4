"""What published scales yield from their answers. A scale with an answer missing has no score; 0 is a score."""

from collections.abc import Mapping

from intake.answers import AnswerDocument
from intake.questionnaires import Questionnaire, Score, Screen
from intake.truth import Truth

Asked = Mapping[int, Truth]


def score_or_screen(
    questionnaire: Questionnaire, document: AnswerDocument, asked: Asked, name: str
) -> float | str | None:
    """The value of a score, or "yes" or "no" of a screen; None while an answer that it needs is missing.

    `asked` says of each page whether it is asked, at least up to the last item of the scale.
    """
    if name in questionnaire.scores:
        return score_value(questionnaire, document, asked, questionnaire.scores[name])
    return _screened(questionnaire, document, asked, questionnaire.screens[name])


def score_value(questionnaire: Questionnaire, document: AnswerDocument, asked: Asked, score: Score) -> float | None:
    """The score, or None as soon as one item that was asked has no answer.

    An item that the scale's own order leaves out ("never" to drinking) counts 0, as published.
    """
    if score.highest_of:
        values = [score_value(questionnaire, document, asked, questionnaire.scores[name]) for name in score.highest_of]
        known = [value for value in values if value is not None]
        return max(known) if len(known) == len(values) else None
    total = 0.0
    for link_id in score.items:
        if asked[questionnaire.page_of[link_id].number] is Truth.FALSE:
            continue
        option = questionnaire.questions[link_id].option(document.value(link_id))
        if option is None or option.score is None:
            return None
        total += option.score
    return total


def _screened(questionnaire: Questionnaire, document: AnswerDocument, asked: Asked, screen: Screen) -> str | None:
    value = score_value(questionnaire, document, asked, questionnaire.scores[screen.score])
    if value is None:
        return None
    other = (cut_off for question, answer, cut_off in screen.other_cut_offs if document.value(question) == answer)
    return "yes" if value >= next(other, screen.cut_off) else "no"
