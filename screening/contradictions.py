"""Answers that do not seem to fit together, for the person to look at once more. Nothing is judged or held up."""

from intake.answers import AnswerDocument
from intake.models import QuestionnaireResponse
from intake.questionnaires import Questionnaire
from screening.assessments import facts_of
from screening.engine import Outcome, Status, bind, evaluate_rule, flag_failure, smallest_cause
from screening.facts import Facts
from screening.published import current_rule_set
from screening.rules import RuleSet
from screening.vocabulary import link_ids_of

RULE = "combo.inconsistent-answers"
# A reading from here on does not go with "no high blood pressure"; it is no flag of its own.
_RAISED = {"systolic_mmhg": "BP_CAUTION_SYSTOLIC_MMHG", "diastolic_mmhg": "BP_CAUTION_DIASTOLIC_MMHG"}


def contradictions(
    response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument
) -> list[tuple[str, ...]]:
    """Groups of link_ids. Empty also when they could not be looked for: sending goes on without."""
    found = flag_failure(lambda: _groups(response, questionnaire, document), f"review of {response.reference}")
    return found or []


def _groups(
    response: QuestionnaireResponse, questionnaire: Questionnaire, document: AnswerDocument
) -> list[tuple[str, ...]]:
    _version, rules = current_rule_set()
    facts = facts_of(response, questionnaire, document, rules)
    causes = [cause for cause in (_cause(rules, facts), _raised_but_denied(rules, facts)) if cause]
    return [
        tuple(dict.fromkeys(link_id for fact in cause for link_id in link_ids_of(fact, questionnaire)))
        for cause in causes
    ]


def _cause(rules: RuleSet, facts: Facts) -> tuple[str, ...]:
    rule = rules.by_id.get(RULE)
    if rule is None:
        return ()
    outcome: Outcome = evaluate_rule(rule, bind(rules, facts.values), facts.values)
    return smallest_cause(rules, rule, outcome, facts.values) if outcome.status is Status.FIRED else ()


def _raised_but_denied(rules: RuleSet, facts: Facts) -> tuple[str, ...]:
    def raised(fact: str) -> bool:
        value = facts.values.get(fact)
        return isinstance(value, float) and value >= rules.values[_RAISED[fact]]

    readings = [fact for fact in _RAISED if raised(fact)]
    denied = facts.values.get("high_blood_pressure_diagnosed") == "no"
    return (*readings, "high_blood_pressure_diagnosed") if readings and denied else ()
