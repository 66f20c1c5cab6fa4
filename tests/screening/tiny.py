"""Rule sets small enough to read beside the test that uses them."""

from typing import Any

from screening.engine import Issue, Value, assess
from screening.rules import RuleSet

CONSTANTS = {"LOW_MMHG": 140.0, "HIGH_MMHG": 160.0}
YES_BAND = [{"tier": "absolute", "when": "true"}]


def rule(rule_id: str, **values: Any) -> dict[str, Any]:
    """One rule as a file says it; without `bands` and `requires` it fires ABSOLUTE wherever `given` is true."""
    entry = {
        "id": rule_id,
        "title": {"en": f"Title of {rule_id}"},
        "category": "tiny",
        "unknown": "hold",
        "next_step": {"en": "Look."},
        "sources": ["TEXT"],
        "owner": "medical-director",
        "review_by": "2027-11-01",
        "examples": [{"facts": {}, "expect": "clear"}],
        **values,
    }
    return entry if "bands" in entry or "requires" in entry else {**entry, "bands": YES_BAND}


def tree(*rules: dict[str, Any], medicines: dict[str, Any] | None = None) -> dict[str, Any]:
    source = {"title": "A text", "evidence": "policy"}
    return {
        "rule_set.yaml": {
            "rule_set": "tiny",
            "version": "1",
            "title": {"en": "Tiny"},
            "constants": {
                name: {"value": value, "unit": "mmHg", "source": "TEXT", "meaning": {"en": "A threshold."}}
                for name, value in CONSTANTS.items()
            },
            "sources": {"TEXT": source, "OTHER": source},
        },
        "medicines.yaml": medicines
        or {"classes": {"maoi": {"label": {"en": "MAOI"}}}, "medicines": [{"name": "phenelzine", "classes": ["maoi"]}]},
        "tiny.yaml": list(rules),
    }


def rule_set(*rules: dict[str, Any]) -> RuleSet:
    return RuleSet.from_tree(tree(*rules))


def listed(rules: RuleSet, facts: dict[str, Value], **options: Any) -> dict[str, Issue]:
    return {issue.rule: issue for issue in assess(rules, facts, **options).issues}


def only(rules: RuleSet, facts: dict[str, Value], **options: Any) -> Issue | None:
    """The one flag of a rule set with one rule, or None."""
    issues = list(listed(rules, facts, **options).values())
    assert len(issues) < 2
    return issues[0] if issues else None
