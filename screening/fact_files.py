"""Facts spelled out in a file, as `manage.py screen` and the examples of rules give them."""

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

from intake.questionnaires import Questionnaire
from screening.facts import Facts, is_usable
from screening.vocabulary import MEASURES, NOT_APPLICABLE, Value, Vocabulary, is_too_long_ago

# Far above whatever any fact counts, in units of any kind: such a number is a slip, not a finding.
_LARGEST = 100_000
_OPEN_STATES = ("not_sure", "prefer_not_to_say", "skipped")


class FactError(ValueError):
    """A fact file that can not be read, or a name that is no fact."""


def facts_from_file(values: Mapping[str, Any], known: Vocabulary) -> Facts:
    """The facts of one JSON object of names and values.

    Raises FactError for a name that is no fact; a wrong value is unknown.
    """
    if not isinstance(values, Mapping):
        raise FactError("each set of facts must be an object of names and values")
    bound: dict[str, Value] = {}
    states: dict[str, str] = {}
    lists: dict[str, tuple[str, ...]] = {}
    for name, value in values.items():
        if name not in known.names:
            raise FactError(f"unknown fact name: {name}")
        if isinstance(value, str) and value in _OPEN_STATES:
            states[name] = value
        elif name in known.choices:
            _bind(bound, states, name, value if isinstance(value, str) and value in known.choices[name] else None)
        elif value == NOT_APPLICABLE:
            states[name] = NOT_APPLICABLE
        elif name in known.numbers:
            _bind(bound, states, name, _finite(name, value))
        elif isinstance(value, list) and all(isinstance(line, str) for line in value):
            lists[name] = tuple(value)
        else:
            states[name] = "unrecognised_value"
    return Facts(bound, states, lists)


def _bind(bound: dict[str, Value], states: dict[str, str], name: str, value: Value | None) -> None:
    if value is None:
        states[name] = "unrecognised_value"
    else:
        bound[name] = value


def _finite(name: str, value: Any) -> float | None:
    if value == "never" and name.startswith("days_since_"):
        return math.inf
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if 0 <= number <= _LARGEST and not is_too_long_ago(name, number) else None


def without_implausible(facts: Facts, questionnaire: Questionnaire) -> Facts:
    """Facts of a file with measures below their plausible range left unknown, as they are when a person types them."""
    values, states = dict(facts.values), dict(facts.states)
    for fact, (link_id, part) in MEASURES.items():
        item = questionnaire.questions.get(link_id)
        number = values.get(fact)
        if item and isinstance(number, float) and not is_usable(fact, Decimal(str(number)), item, part):
            del values[fact]
            states[fact] = "implausible"
    return replace(facts, values=values, states=states)
