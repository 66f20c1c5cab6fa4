"""The chapters to look things up in: thresholds, sources, medicines and facts."""

from collections.abc import Mapping
from typing import Any

from screening.content_book.names import Names, with_unit
from screening.content_book.rule_cards import EVIDENCE
from screening.medicines import normalise
from screening.rules import MEDICINES, RuleSet
from screening.vocabulary import vocabulary

_MOST_CODES_SHOWN = 6


def thresholds(rule_set: RuleSet) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "value": with_unit(constant.value, constant.unit),
            "meaning": constant.meaning["en"],
            "source": constant.source,
            "evidence": EVIDENCE[rule_set.sources[constant.source].evidence],
            "rules": [rule for rule in rule_set.rules if name in _constants_of(rule_set, rule.id)],
        }
        for name, constant in rule_set.constants.items()
    ]


def _constants_of(rule_set: RuleSet, rule_id: str) -> set[str]:
    return {name for expression in rule_set.by_id[rule_id].expressions for name in expression.variables}


def sources(rule_set: RuleSet) -> list[dict[str, Any]]:
    """Every source with what rests on it. One that nothing cites is shown as such."""
    return [
        {
            "key": key,
            "title": source.title,
            "url": source.url,
            "evidence": EVIDENCE[source.evidence],
            "rules": [rule for rule in rule_set.rules if key in rule.sources],
            "constants": [name for name, constant in rule_set.constants.items() if constant.source == key],
        }
        for key, source in rule_set.sources.items()
    ]


def medicines(rule_set: RuleSet, tree: Mapping[str, Any]) -> dict[str, Any]:
    """Classes with their members, combination products, pairs, and every medicine with all its names.

    Spellings are those of the file (`tree`): the lexicon keeps some names only as they are compared.
    """
    lexicon, written = rule_set.lexicon, tree[MEDICINES]
    entries = sorted(written["medicines"], key=lambda entry: normalise(entry["name"]))
    members: dict[str, list[str]] = {code: [] for code in lexicon.classes}
    for entry in entries:
        for code in entry.get("classes", []):
            members[code].append(entry["name"])
    listed = [
        {
            "name": entry["name"],
            "others": ", ".join([*entry.get("brands", []), *entry.get("synonyms", [])]),
            "classes": [lexicon.classes[code] for code in entry.get("classes", [])],
        }
        for entry in entries
    ]
    return {
        "classes": [
            {
                "code": code,
                "label": label,
                "members": members[code],
                "rules": [rule for rule in rule_set.rules if f"takes_{code}" in rule.reads(rule_set.constants)],
            }
            for code, label in lexicon.classes.items()
        ],
        "combinations": sorted(
            (
                {
                    "brand": ", ".join([entry["brand"], *entry.get("synonyms", [])]),
                    "ingredients": ", ".join(entry["ingredients"]),
                }
                for entry in written.get("combinations", [])
            ),
            key=lambda entry: normalise(entry["brand"]),
        ),
        "pairs": sorted((" and ".join(pair) for pair in written.get("never_confuse", [])), key=normalise),
        "medicines": listed,
    }


def facts(names: Names) -> list[dict[str, Any]]:
    """Every fact in the order of asking, then those that no question gives."""
    rule_set = names.rule_set
    known = vocabulary(names.questionnaire, rule_set.lexicon)
    places = list(names.numbers)
    rows = []
    for fact in known.names:
        questions = names.asked_in(fact)
        if fact in known.numbers:
            kind = f"number, {names.unit(fact)}" if names.unit(fact) else "number"
        elif fact in known.lists:
            kind = "list of text"
        else:
            kind = _answers(fact, known.choices[fact] - {"not_applicable"}, names)
        rows.append(
            {
                "name": fact,
                "label": names.label(fact),
                "kind": kind,
                "comes_from": names.comes_from(fact),
                "questions": [{"link_id": i, "number": names.numbers[i]} for i in questions],
                "rules": [rule for rule in rule_set.rules if fact in rule.reads(rule_set.constants)],
                "place": (places.index(questions[0]) if questions else len(places), fact),
            }
        )
    return sorted(rows, key=lambda row: row["place"])


def _answers(fact: str, codes: frozenset[str], names: Names) -> str:
    """The answers that a choice may have, in the order in which they are offered."""
    if codes <= {"yes", "no"}:
        return "yes or no"
    if len(codes) > _MOST_CODES_SHOWN:
        return f"one of {len(codes)} options"
    item = names.questionnaire.questions.get(fact)
    offered = [option.code for option in item.options if option.code in codes] if item else sorted(codes)
    return " · ".join(names.answer(fact, code) for code in offered)
