"""The shipped content, read and checked from its folders."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from clinic_site.publishing.documents import ContentError, Problem, parse_source, read_source
from intake import questionnaire_reader
from intake.questionnaire_reader import read_questionnaire
from intake.questionnaires import Questionnaire
from screening import rules
from screening.content_checks import content_problems
from screening.rules import RuleSet, file_of_rule

D = TypeVar("D", Questionnaire, RuleSet)


def _built(build: Callable[[Path], D], folder: Path) -> tuple[D | None, list[Problem]]:
    try:
        return build(folder), []
    except ContentError as error:
        return None, error.problems


def checked_content(
    questionnaire_folder: Path = questionnaire_reader.SHIPPED, rules_folder: Path = rules.SHIPPED
) -> tuple[Questionnaire, RuleSet]:
    """Both documents. Raises ContentError with every problem in either of them or between them."""
    questionnaire, problems = _built(read_questionnaire, questionnaire_folder)
    rule_set, more_problems = _built(RuleSet.from_folder, rules_folder)
    if questionnaire is None or rule_set is None:
        raise ContentError([*problems, *more_problems])
    problems = content_problems(questionnaire, rule_set, file_of_rule(parse_source(read_source(rules_folder))))
    if problems:
        raise ContentError(problems)
    return questionnaire, rule_set
