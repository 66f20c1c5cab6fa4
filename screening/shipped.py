"""The shipped content, read and checked from its folders."""

from pathlib import Path

from clinic_site.publishing.documents import ContentError, Problem, parse_source, read_source
from intake import questionnaires
from intake.questionnaires import Questionnaire
from screening import rules
from screening.content_checks import content_problems
from screening.rules import RuleSet, file_of_rule


def checked_content(
    questionnaire_folder: Path = questionnaires.SHIPPED, rules_folder: Path = rules.SHIPPED
) -> tuple[Questionnaire, RuleSet]:
    """Both documents. Raises ContentError with every problem in either of them or between them."""
    problems: list[Problem] = []
    built: list[Questionnaire | RuleSet] = []
    for build, folder in ((Questionnaire.from_folder, questionnaire_folder), (RuleSet.from_folder, rules_folder)):
        try:
            built.append(build(folder))
        except ContentError as error:
            problems += error.problems
    if problems:
        raise ContentError(problems)
    questionnaire, rule_set = built
    assert isinstance(questionnaire, Questionnaire) and isinstance(rule_set, RuleSet)
    problems = content_problems(questionnaire, rule_set, file_of_rule(parse_source(read_source(rules_folder))))
    if problems:
        raise ContentError(problems)
    return questionnaire, rule_set
