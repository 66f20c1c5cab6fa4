"""Which results of which rules the vignettes bring about: every band, and every policy for an open question."""

from collections.abc import Iterable
from dataclasses import dataclass

from screening.content_checks import described
from screening.engine import assess
from screening.rules import Rule, RuleSet
from screening.safety.vignettes import Ran


@dataclass(frozen=True)
class Goal:
    """One thing a rule can say: a band that fires, or what its policy makes of an open question."""

    rule: str
    kind: str
    words: str


def goals(rule_set: RuleSet) -> tuple[Goal, ...]:
    return tuple(goal for rule in rule_set.rules for goal in _goals(rule))


def _goals(rule: Rule) -> Iterable[Goal]:
    for band in rule.bands:
        yield Goal(rule.id, "band", "fired hold" if band.hold else band.tier)
    policy = rule.unknown
    yield Goal(rule.id, "policy", policy if policy in ("ask", "hold", "covered") else f"unresolved {policy}")


def reached(rule_set: RuleSet, ran: Iterable[Ran]) -> set[Goal]:
    """The goals that a vignette expects in so many words; "covered" lists nothing, so there the run itself counts."""
    found = set()
    covered = [rule for rule in rule_set.rules if rule.unknown == "covered"]
    for run in ran:
        for rule_id, words in run.vignette.must.items():
            found |= {
                goal for goal in _goals(rule_set.by_id[rule_id]) if words.removesuffix(" (worst case)") == goal.words
            }
        result = assess(rule_set, run.facts.values)
        found |= {
            Goal(rule.id, "policy", "covered")
            for rule in covered
            if rule.id not in run.listed and described(rule, rule_set, result, run.facts.values) == "covered"
        }
    return found
