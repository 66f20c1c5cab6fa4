"""Rules broken on purpose, in one place each: what an example or a vignette has to notice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from screening.rules import TIERS, Band, Constant, Expression, Rule, RuleSet
from screening.safety.expressions import Slips, parse
from screening.vocabulary import Vocabulary

KINDS = (
    "comparison",
    "threshold",
    "connective",
    "dropped clause",
    "negation",
    "option code",
    "band",
    "policy",
)
# Measures that are not counted in whole numbers, by the unit of their constants.
_FINE_STEPS = {"kg/m2": 0.1, "times the upper limit": 0.1}
_POLICIES = ("ask", "hold", *TIERS)


@dataclass(frozen=True)
class Mutant:
    """One rule with one slip. `what` names the slip, and no two of a rule have the same name."""

    kind: str
    what: str
    rule: Rule

    def __str__(self) -> str:
        return f"{self.rule.id}: {self.what}"


def mutants_of(rule: Rule, rule_set: RuleSet, known: Vocabulary) -> list[Mutant]:
    slips = Slips(
        constants=rule_set.values,
        steps={name: step_of(constant) for name, constant in rule_set.constants.items()},
        codes=known.choices,
    )
    named: Counter[str] = Counter()
    found = []
    for kind, what, mutated in (*_of_expressions(rule, slips), *_of_bands(rule), *_of_policy(rule)):
        named[what] += 1
        found.append(Mutant(kind, what if named[what] == 1 else f"{what} (place {named[what]})", mutated))
    return found


def step_of(constant: Constant) -> float:
    """By how much a threshold is moved: by the smallest difference that is told."""
    return _FINE_STEPS.get(constant.unit, 1.0)


_Found = Iterator[tuple[str, str, Rule]]


def _of_expressions(rule: Rule, slips: Slips) -> _Found:
    if rule.given:
        for kind, what, given in _slips(rule.given, slips):
            yield kind, f"given: {what}", replace(rule, given=given)
        yield "dropped clause", "given: dropped", replace(rule, given=None)
    for index, band in enumerate(rule.bands):
        for kind, what, when in _slips(band.when, slips):
            yield kind, f"{band.tier}: {what}", replace(rule, bands=_put(rule.bands, index, replace(band, when=when)))
        if band.when.source != "true":
            always = replace(band, when=Expression("true"))
            yield "dropped clause", f"{band.tier}: dropped", replace(rule, bands=_put(rule.bands, index, always))
    for name in rule.requires:
        rest = tuple(other for other in rule.requires if other != name)
        yield "dropped clause", f"requires: without {name}", replace(rule, requires=rest)


def _slips(expression: Expression, slips: Slips) -> Iterator[tuple[str, str, Expression]]:
    for kind, what, tree in slips.of(parse(expression.source)):
        yield kind, what, Expression(str(tree))


def _of_bands(rule: Rule) -> _Found:
    bands = rule.bands
    for index, band in enumerate(bands):
        yield "band", f"without the {band.tier} band", replace(rule, bands=(*bands[:index], *bands[index + 1 :]))
        for tier in TIERS:
            if tier != band.tier:
                other = replace(band, tier=tier, hold=False)
                yield "band", f"{band.tier} band at {tier}", replace(rule, bands=_put(bands, index, other))
        if band.tier == "info":
            other = replace(band, hold=not band.hold)
            words = "without" if band.hold else "with"
            yield "band", f"info band {words} hold", replace(rule, bands=_put(bands, index, other))
    for index in range(len(bands) - 1):
        swapped = (*bands[:index], bands[index + 1], bands[index], *bands[index + 2 :])
        yield "band", f"{bands[index + 1].tier} band before {bands[index].tier}", replace(rule, bands=swapped)


def _of_policy(rule: Rule) -> _Found:
    for policy in _POLICIES:
        if policy != rule.unknown:
            yield "policy", f"unknown: {policy}", replace(rule, unknown=policy, covered_by=())
    for name in rule.covered_by:
        rest = tuple(other for other in rule.covered_by if other != name)
        yield "policy", f"covered_by without {name}", replace(rule, covered_by=rest)
    for name in rule.yields_to:
        rest = tuple(other for other in rule.yields_to if other != name)
        yield "policy", f"yields_to without {name}", replace(rule, yields_to=rest)


def _put(bands: tuple[Band, ...], index: int, band: Band) -> tuple[Band, ...]:
    return (*bands[:index], band, *bands[index + 1 :])
