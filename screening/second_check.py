"""A second look at a case that nothing was listed for, by another way than the rule engine.

It reads the answers and the text of the rules. Where nothing is flagged and nothing is open, every fact that a rule
reads must have been cleared in so many words: its question answered, or left out by an explicit answer to its gate, and
no answer may be one that a rule names by itself.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from intake.answers import AnswerDocument
from intake.branching import what_is_asked
from intake.questionnaires import PARTS, Questionnaire
from intake.truth import Truth
from screening.engine import Issue
from screening.rules import Rule, RuleSet
from screening.vocabulary import STAFF_FACTS, link_ids_of

MANUAL_REVIEW = "assessment.manual-review"
_NAMED = re.compile(r'\s*\(*\s*(\w+) == "([a-z_]+)"\s*\)*\s*')


def not_cleared(
    questionnaire: Questionnaire,
    document: AnswerDocument,
    rule_set: RuleSet,
    issues: Iterable[Issue],
    *,
    recorded: Collection[str] = (),
) -> tuple[str, ...]:
    """Facts that nothing clears, in a case without a flag; empty when there is one, or when all is well.

    Flags on what only staff can set are left aside, and so is what staff `recorded` themselves.
    """
    if any(set(issue.caused_by) - STAFF_FACTS for issue in issues):
        return ()
    asked, taken = what_is_asked(questionnaire, document), _medicines(document, rule_set)
    found: dict[str, None] = {}
    for rule in rule_set.rules:
        alarming = _named_alone(rule)
        for fact in rule.reads(rule_set.constants):
            link_ids = link_ids_of(fact, questionnaire)
            open_ones = [name for name in link_ids if not _settled(questionnaire, document, asked, name, fact)]
            said = taken.get(fact) or _said(questionnaire, document, fact)
            if fact not in {*STAFF_FACTS, *recorded} and (open_ones or (fact, said) in alarming):
                found[fact] = None
    return tuple(found)


def _named_alone(rule: Rule) -> set[tuple[str, str]]:
    """The answers of which one is enough for a rule: those of a `given` that is nothing but a list of them."""
    parts = rule.given.source.split("||") if rule.given and rule.bands else []
    named = [match for part in parts if (match := _NAMED.fullmatch(part))]
    return {(match[1], match[2]) for match in named} if len(named) == len(parts) else set()


def _medicines(document: AnswerDocument, rule_set: RuleSet) -> dict[str, str]:
    """`takes_…` of every class that a line names, and a mark for a line that is not read exactly."""
    rows = (document.value("medicines") or {}).get("rows", [])
    readings = [rule_set.lexicon.read(" ".join(filter(None, (row["name"], row["dose"])))) for row in rows]
    classes = rule_set.lexicon.classes_of(name for r in readings for name in (*r.exact, *r.suggested))
    unread = {} if all(reading.recognised for reading in readings) else {"medicine_unrecognized": "yes"}
    return {f"takes_{code}": "yes" for code in classes} | unread


def _said(questionnaire: Questionnaire, document: AnswerDocument, fact: str) -> str | None:
    """The answer to a fact in a word: of its own question, or of the list that it is an option of."""
    for link_id in link_ids_of(fact, questionnaire):
        item, value = questionnaire.questions[link_id], document.value(link_id)
        if item.option_facts and value is not None:
            chosen = [option for option in item.options if option.code in value]
            return "yes" if fact in value else "no" if any(o.rest or o.exclusive for o in chosen) else None
        if isinstance(value, str):
            return value
    return None


def _settled(
    questionnaire: Questionnaire, document: AnswerDocument, asked: Mapping[int, Truth], link_id: str, fact: str = ""
) -> bool:
    """Whether a question is answered, or left out because the question before it was answered."""
    if link_id in questionnaire.scores or link_id in questionnaire.screens:
        screen = questionnaire.screens.get(link_id)
        items = questionnaire.items_of(questionnaire.scores[screen.score if screen else link_id])
        return all(_settled(questionnaire, document, asked, name) for name in items)
    item = questionnaire.questions["blood_pressure" if link_id in PARTS else link_id]
    if document.value(item.link_id) is not None:
        return not (fact and item.option_facts) or _said(questionnaire, document, fact) is not None
    page = questionnaire.page_of[item.link_id]
    gates = (condition.question for condition in page.item.enable_when)
    return asked[page.number] is Truth.FALSE and any(_settled(questionnaire, document, asked, gate) for gate in gates)
