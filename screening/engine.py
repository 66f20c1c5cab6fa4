"""The rule engine: from facts to flags, as pure functions. Same inputs, same bytes out.

Each expression is TRUE, FALSE or UNKNOWN. CEL gives that logic by itself: a fact that is not bound is an error, and
`&&` and `||` absorb errors when the other side decides. A rule that can not be evaluated is a flag, never a pass.
"""

import itertools
import logging
import math
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from importlib.metadata import version
from typing import Any, TypeVar

import cel

from intake.truth import Truth
from screening.rules import TIERS, Band, Expression, Rule, RuleSet, severity

ENGINE = f"cel {version('common-expression-language')}"
# A rule takes microseconds; one that takes this long has failed.
TIME_LIMIT_SECONDS = 2.0
_MOST_FACTS_FOR_EXACT_SEARCH = 12
_MOST_OPEN_FACTS_FOR_EXACT_SEARCH = 6
log = logging.getLogger(__name__)

Value = str | float
Clock = Callable[[], float]
T = TypeVar("T")


class Status(Enum):
    FIRED = "fired"
    UNRESOLVED = "unresolved"
    ERROR = "error"
    CLEAR = "clear"


@dataclass(frozen=True)
class Outcome:
    """What one rule says by itself, before other rules cover it or make it yield."""

    status: Status
    tier: str = ""
    hold: bool = False
    worst_case_assumed: bool = False


CLEAR = Outcome(Status.CLEAR)
UNRESOLVED = Outcome(Status.UNRESOLVED)


@dataclass(frozen=True)
class Issue:
    """One flag. `caused_by`: for a fired rule the smallest set of facts that gives this result; for an unresolved one
    what would settle it. `settled_by`: for a worst case, the facts that would make it certain."""

    rule: str
    tier: str
    status: str
    hold: bool
    worst_case_assumed: bool
    caused_by: tuple[str, ...]
    settled_by: tuple[str, ...]
    sources: tuple[str, ...]

    @property
    def blocks_signing(self) -> bool:
        return self.hold or self.status == Status.ERROR.value or self.tier in ("emergency", "absolute", "relative")


# The flag of a run that failed as a whole: no rule set, wrong checksum, facts that could not be derived.
FAILED = Issue("assessment.failed", "absolute", Status.ERROR.value, True, False, (), (), ())


@dataclass(frozen=True)
class Result:
    """One run of one rule set over one set of facts, the most severe flag first."""

    rule_set: tuple[str, str, str]
    issues: tuple[Issue, ...]

    @property
    def highest_tier(self) -> str:
        return max((issue.tier for issue in self.issues), key=severity, default="none")

    def to_json(self) -> dict[str, Any]:
        """The published shape: `manage.py screen` prints it, and stored assessments compare by it."""
        rule_set = dict(zip(("id", "version", "sha256"), self.rule_set, strict=True))
        return {
            "rule_set": rule_set,
            "highest_tier": self.highest_tier,
            "issues": [_issue_json(i) for i in self.issues],
        }


def _issue_json(issue: Issue) -> dict[str, Any]:
    return {
        "rule": issue.rule,
        "tier": issue.tier,
        "status": issue.status,
        "hold": issue.hold,
        "worst_case_assumed": issue.worst_case_assumed,
        "caused_by": list(issue.caused_by),
        "sources": list(issue.sources),
    }


def assess(rule_set: RuleSet, facts: Mapping[str, Value], *, clock: Clock = time.monotonic) -> Result:
    """Runs every rule over the bound facts; a fact that is not in `facts` is UNKNOWN."""
    facts = _readable(facts)
    context = bind(rule_set, facts)
    outcomes = {rule.id: _guarded(rule, context, facts, clock) for rule in rule_set.rules}
    return _result(rule_set, (_guarded_issue(rule_set, rule, outcomes, facts) for rule in rule_set.rules))


def assess_draft(
    rule_set: RuleSet, facts: Mapping[str, Value], *, saved: Collection[str], clock: Clock = time.monotonic
) -> Result:
    """Runs the EMERGENCY bands alone, for an unfinished response. `saved` names the facts whose page has been saved:
    a worst case is assumed only when those that would settle it are among them."""
    facts = _readable(facts)
    context = bind(rule_set, facts)
    issues = []
    for rule in rule_set.rules:
        if rule.bands and rule.bands[0].tier == "emergency":
            outcome = _guarded(rule, context, facts, clock)
            open_facts = _unbound(rule.bands[0].when, facts, rule_set)
            certain = not outcome.worst_case_assumed or set(open_facts) <= set(saved)
            if outcome.tier == "emergency" and outcome.status in (Status.FIRED, Status.ERROR) and certain:
                issues.append(_issue(rule_set, rule, outcome, facts))
    return _result(rule_set, issues)


def _result(rule_set: RuleSet, issues: Iterable[Issue | None]) -> Result:
    listed = sorted((issue for issue in issues if issue is not None), key=lambda issue: -severity(issue.tier))
    return Result((rule_set.id, rule_set.version, rule_set.sha256), tuple(listed))


def bind(rule_set: RuleSet, facts: Mapping[str, Value], *, only: Collection[str] | None = None) -> cel.Context:
    """Constants and facts for CEL. `only` leaves out what is not read, because binding costs more than running."""
    names = rule_set.values.keys() | facts.keys() if only is None else only
    bound = {name: facts[name] for name in names if name in facts}
    return cel.Context(variables={**{n: rule_set.values[n] for n in names if n in rule_set.values}, **bound})


def _readable(facts: Mapping[str, Any]) -> dict[str, Value]:
    """The facts that are a text or a number. Whatever else stands there is unknown, also to `requires`.

    CEL finds None in no list, and so would turn an unknown into a definite answer.
    """
    return {n: v for n, v in facts.items() if isinstance(v, str) or (isinstance(v, float) and not math.isnan(v))}


def flag_failure(call: Callable[[], T], what: str) -> T | None:
    """The result of `call`, or None when anything at all went wrong, for the caller to turn into a flag."""
    try:
        return call()
    except Exception:
        # The only catch-all of the program: whatever goes wrong in screening becomes a flag and never loses a
        # submission.
        log.exception("Could not be assessed: %s", what)
        return None


def _guarded(rule: Rule, context: cel.Context, facts: Mapping[str, Value], clock: Clock) -> Outcome:
    """The outcome of a rule, or an error at its most severe tier when it fails in any way or takes too long."""
    started = clock()
    outcome = flag_failure(lambda: evaluate_rule(rule, context, facts), rule.id)
    if outcome is None or clock() - started > TIME_LIMIT_SECONDS:
        return _failed(rule)
    return outcome


def _failed(rule: Rule) -> Outcome:
    """A rule that could not be assessed, listed at the most severe tier it has."""
    worst = rule.bands[0].tier if rule.bands else rule.unknown if rule.unknown in TIERS else "info"
    return Outcome(Status.ERROR, tier=worst, hold=True)


def evaluate(expression: Expression, context: cel.Context) -> Truth:
    """TRUE, FALSE, or UNKNOWN when the answer hangs on a fact that is not bound.

    Raises for a type error or a result that is no truth.
    """
    try:
        result = expression.program.execute(context)
    except RuntimeError as error:
        if "Undefined variable" in str(error):
            return Truth.UNKNOWN
        raise
    if result is True:
        return Truth.TRUE
    if result is False:
        return Truth.FALSE
    raise TypeError(f"The expression gave {type(result).__name__}, not true or false.")


def evaluate_rule(rule: Rule, context: cel.Context, facts: Mapping[str, Value]) -> Outcome:
    given = evaluate(rule.given, context) if rule.given else Truth.TRUE
    if given is not Truth.FALSE:
        band, truth = _first_open_band(rule.bands, context)
        if band is not None and given is Truth.TRUE:
            return Outcome(Status.FIRED, band.tier, band.hold, worst_case_assumed=truth is Truth.UNKNOWN)
        if band is not None:
            return UNRESOLVED
    return CLEAR if all(name in facts for name in rule.requires) else UNRESOLVED


def _first_open_band(bands: Iterable[Band], context: cel.Context) -> tuple[Band | None, Truth]:
    for band in bands:
        truth = evaluate(band.when, context)
        if truth is not Truth.FALSE:
            return band, truth
    return None, Truth.FALSE


def _guarded_issue(
    rule_set: RuleSet, rule: Rule, outcomes: Mapping[str, Outcome], facts: Mapping[str, Value]
) -> Issue | None:
    """The flag of a rule; an error when even explaining it goes wrong."""
    listed = flag_failure(lambda: (_listed(rule_set, rule, outcomes, facts),), rule.id)
    return listed[0] if listed else _issue(rule_set, rule, _failed(rule), facts)


def _listed(rule_set: RuleSet, rule: Rule, outcomes: Mapping[str, Outcome], facts: Mapping[str, Value]) -> Issue | None:
    outcome = beside_others(rule, outcomes)
    return None if outcome is None else _issue(rule_set, rule, outcome, facts)


def beside_others(rule: Rule, outcomes: Mapping[str, Outcome]) -> Outcome | None:
    """What is listed of a rule after `yields_to` and its policy for open questions, or None when nothing is."""
    outcome = outcomes[rule.id]
    if outcome.status is Status.CLEAR:
        return None
    for other in rule.yields_to:
        other_status = outcomes[other].status
        unresolved_both = other_status is Status.UNRESOLVED and outcome.status is Status.UNRESOLVED
        if outcome.status is not Status.ERROR and (other_status is Status.FIRED or unresolved_both):
            return None
    if outcome.status is Status.UNRESOLVED:
        if rule.unknown == "covered":
            if any(outcomes[other].status in (Status.FIRED, Status.UNRESOLVED) for other in rule.covered_by):
                return None
            return Outcome(Status.UNRESOLVED, "info", hold=True)
        if rule.unknown in ("ask", "hold"):
            return Outcome(Status.UNRESOLVED, "info", hold=rule.unknown == "hold")
        return Outcome(Status.UNRESOLVED, rule.unknown)
    return outcome


def _issue(rule_set: RuleSet, rule: Rule, outcome: Outcome, facts: Mapping[str, Value]) -> Issue:
    caused_by: tuple[str, ...] = ()
    settled_by: tuple[str, ...] = ()
    if outcome.status is Status.FIRED:
        caused_by = smallest_cause(rule_set, rule, outcome, facts)
        if outcome.worst_case_assumed:
            band = next(band for band in rule.bands if band.tier == outcome.tier)
            settled_by = _unbound(band.when, facts, rule_set)
    elif outcome.status is Status.UNRESOLVED:
        caused_by = settled_by = what_would_settle(rule_set, rule, facts)
    return Issue(
        rule=rule.id,
        tier=outcome.tier,
        status=outcome.status.value,
        hold=outcome.hold,
        worst_case_assumed=outcome.worst_case_assumed,
        caused_by=caused_by,
        settled_by=settled_by,
        sources=rule.sources,
    )


def smallest_cause(rule_set: RuleSet, rule: Rule, outcome: Outcome, facts: Mapping[str, Value]) -> tuple[str, ...]:
    """The smallest set of facts that alone gives the same tier and the same `worst_case_assumed`.

    The first in reading order of equals.
    """
    bound = [name for name in rule.reads(rule_set.constants) if name in facts]

    read = {name for expression in rule.expressions for name in expression.variables}

    def suffices(names: Iterable[str]) -> bool:
        subset = {name: facts[name] for name in names}
        return evaluate_rule(rule, bind(rule_set, subset, only=read), subset) == outcome

    if len(bound) <= _MOST_FACTS_FOR_EXACT_SEARCH:
        sizes = (itertools.combinations(bound, size) for size in range(len(bound) + 1))
        return next(names for names in itertools.chain.from_iterable(sizes) if suffices(names))
    kept = bound
    for name in bound:
        without = [other for other in kept if other != name]
        kept = without if suffices(without) else kept
    return tuple(kept)


def what_would_settle(rule_set: RuleSet, rule: Rule, facts: Mapping[str, Value]) -> tuple[str, ...]:
    """The unbound facts that keep a rule unresolved: those that still matter under some answer to the others."""
    missing = [name for name in rule.requires if name not in facts]
    unbound = _unbound(rule.given, facts, rule_set) if rule.given else ()
    if len(unbound) > _MOST_OPEN_FACTS_FOR_EXACT_SEARCH:
        return tuple(dict.fromkeys([*unbound, *missing]))
    relevant = [name for name in unbound if _matters(rule_set, rule, name, unbound, facts)]
    return tuple(dict.fromkeys([*relevant, *missing])) or unbound


def _matters(rule_set: RuleSet, rule: Rule, name: str, unbound: tuple[str, ...], facts: Mapping[str, Value]) -> bool:
    """Whether the rule is still open for want of `name` under some answer to the other open facts of its `given`."""
    if rule.given is None:
        return False
    others = [other for other in unbound if other != name]
    read = {variable for expression in rule.expressions for variable in expression.variables}
    for values in itertools.product(*(_domain(rule.given, other) for other in others)):
        context = bind(rule_set, {**facts, **dict(zip(others, values, strict=True))}, only=read)
        band, _truth = _first_open_band(rule.bands, context)
        if band is not None and evaluate(rule.given, context) is Truth.UNKNOWN:
            return True
    return False


def _domain(expression: Expression, name: str) -> list[Value]:
    """Enough values to take every side of the comparisons `name` stands in."""
    literals = expression.literals(name)
    return [*sorted(literals), "another"] if literals else [-1e12, 1e12]


def _unbound(expression: Expression, facts: Mapping[str, Value], rule_set: RuleSet) -> tuple[str, ...]:
    return tuple(name for name in expression.variables if name not in facts and name not in rule_set.constants)
