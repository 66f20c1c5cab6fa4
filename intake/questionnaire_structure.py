"""Whether the items of a questionnaire fit each other: gates, scales and their scores."""

from collections.abc import Iterator, Mapping

from clinic_site.publishing.documents import Problem
from intake.questionnaires import PARTS, Condition, Item, Questionnaire, Score


def structure_problems(questionnaire: Questionnaire, files: Mapping[str, str]) -> Iterator[Problem]:
    """Problems between items.

    Gates that do not exist, come too late, are never true, or an option that is not there.
    """
    order = questionnaire.page_of
    for page in questionnaire.pages:
        for item in dict.fromkeys((page.item, *page.questions)):

            def problem(message: str, item: Item = item) -> Problem:
                return Problem(files[item.link_id], item.link_id, message)

            if item.instrument and item.instrument not in questionnaire.instruments:
                yield problem(f"the instrument '{item.instrument}' is not described under 'instruments'")
            if item is not page.item and item.enable_when:
                yield problem("a question inside a group can not be conditional: put it on a page of its own")
            if sum(option.exclusive or option.rest for option in item.options) > 1:
                yield problem("only one option can be exclusive or stand for the rest")
            if any(option.rest for option in item.options) and not item.option_facts:
                yield problem("has an option for the rest: that needs 'option_facts: true'")
            if item.asks_again:
                first = questionnaire.questions.get(item.asks_again)
                if first is None or [o.code for o in first.options] != [o.code for o in item.options]:
                    yield problem(f"asks '{item.asks_again}' again, which is no choice with the same options")
            for condition in item.enable_when:
                gate_page = order.get(condition.question)
                if gate_page is None:
                    yield problem(f"the condition names '{condition.question}', which is not asked")
                elif gate_page.number >= page.number:
                    yield problem(
                        f"the condition names '{condition.question}', which is asked on the same page or later:"
                        " a cycle, or a question nobody reaches; move this item behind it"
                    )
                else:
                    message = _condition_problem(questionnaire, condition)
                    if message:
                        yield problem(message)
    yield from _instrument_problems(questionnaire, files)


def _instrument_problems(questionnaire: Questionnaire, files: Mapping[str, str]) -> Iterator[Problem]:
    """Scores of items that do not exist or count nothing, and names that stand for two things."""
    for section in questionnaire.sections:
        file = next((files[item.link_id] for item in section.items), "")
        for instrument in section.instruments:
            for score in instrument.scores:
                yield from (Problem(file, score.name, text) for text in _score_problems(questionnaire, score))
            for screen in instrument.screens:
                if screen.score not in questionnaire.scores:
                    yield Problem(file, screen.name, f"names the score '{screen.score}', which is not there")
                for question, answer, _cut_off in screen.other_cut_offs:
                    item = questionnaire.questions.get(question)
                    if item is None or item.option(answer) is None:
                        yield Problem(file, screen.name, f"'{question}' is no choice with the option '{answer}'")


def _score_problems(questionnaire: Questionnaire, score: Score) -> Iterator[str]:
    if score.name in questionnaire.questions or score.name in questionnaire.screens:
        yield "a question or a screen has this name already: choose another"
    for name in score.highest_of:
        if name not in questionnaire.scores or questionnaire.scores[name].highest_of:
            yield f"names '{name}', which is no score that sums items"
    for link_id in score.items:
        item = questionnaire.questions.get(link_id)
        if item is None or item.type != "choice" or not item.instrument:
            yield f"counts '{link_id}', which is no choice of a published scale"
        elif any(option.score is None for option in item.options):
            yield f"counts '{link_id}', but not every option of it has a 'score'"


def _condition_problem(questionnaire: Questionnaire, condition: Condition) -> str:
    if condition.question in questionnaire.scores:
        return "" if not isinstance(condition.answer, str) else f"'{condition.question}' is a score: compare it by size"
    if condition.question in questionnaire.screens:
        return "" if condition.answer in ("yes", "no") else f"'{condition.question}' is 'yes' or 'no'"
    gate = questionnaire.questions.get("blood_pressure" if condition.question in PARTS else condition.question)
    if gate is None:
        return f"the condition names '{condition.question}', which is not a question"
    if gate.options and condition.operator in ("=", "!="):
        codes = [option.code for option in gate.options]
        if condition.answer not in codes:
            return f"is never asked: '{condition.question}' has no option '{condition.answer}', only {', '.join(codes)}"
    if gate.options and condition.operator in (">", "<", ">=", "<="):
        return f"'{condition.question}' is a choice and can not be compared by size"
    if gate.options or condition.operator == "exists":
        return ""
    if gate.type != "number" and condition.question not in PARTS:
        return f"'{condition.question}' is neither a choice nor a number: only 'exists' can ask about it"
    if isinstance(condition.answer, str):
        return f"'{condition.question}' is a number and is compared with text: write the answer without quotes"
    return ""
