"""From answers to facts, the names that rules read.

A fact is bound only when it is known: a declared option code, or a finite number as a float. Everything else is left
unbound and its state says why, so that "Yes", `true` or an empty box can never clear anyone.
"""

import calendar
import datetime
import math
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from intake.answer_shapes import has_shape, is_partial_date
from intake.answers import AnswerDocument, State
from intake.branching import what_is_asked
from intake.completeness import is_out_of_date
from intake.measures import measures
from intake.questionnaires import Item, Questionnaire
from intake.scores import score_or_screen
from intake.truth import Truth
from screening.medicines import Lexicon
from screening.vocabulary import (
    CSSRS,
    DATES,
    MEASURES,
    NEVER,
    NOT_APPLICABLE,
    OPIOID_TREATMENT,
    RECORDED,
    SAID,
    Value,
    is_too_long_ago,
    states_a_fact,
)

_A_MONTH = datetime.timedelta(days=30)
# A height above the plausible range would hide a high body mass index; the others err on the side of a flag.
_BOUND_ABOVE_RANGE = {"systolic_mmhg", "diastolic_mmhg", "weight_kg"}


@dataclass(frozen=True)
class Facts:
    """What is known of one person.

    `values` are bound; `states` says why a fact is not; `lists` are what was typed; `derived` names the values that
    follow from others, `told` those that the answers and the date give by themselves.
    """

    values: Mapping[str, Value] = field(default_factory=dict)
    states: Mapping[str, str] = field(default_factory=dict)
    lists: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    derived: frozenset[str] = frozenset()
    told: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Measurement:
    """What staff recorded themselves: it stands over the person's own answer. `on` is the day it was true."""

    fact: str
    value: Value
    on: datetime.date


def facts_from_response(
    questionnaire: Questionnaire,
    document: AnswerDocument,
    *,
    lexicon: Lexicon,
    now: datetime.datetime,
    today: datetime.date,
    licensed_states: Iterable[str],
    measurements: Iterable[Measurement] = (),
    readings_on: datetime.date | None = None,
) -> Facts:
    """Facts as of `now` (an instant) and `today` (the date at the clinic).

    The age of readings is counted to `readings_on`, when given.
    """
    reader = _ResponseReader(questionnaire, document, now, today, readings_on or today)
    reader.read_choices()
    reader.read_dates()
    reader.read_measures()
    reader.read_numbers()
    reader.read_scores()
    reader.read_medicines()
    reader.read_administrative(frozenset(licensed_states))
    reader.read_measurements(measurements)
    return derive(reader.facts(), lexicon)


class _ResponseReader:
    def __init__(
        self,
        questionnaire: Questionnaire,
        document: AnswerDocument,
        now: datetime.datetime,
        today: datetime.date,
        readings_on: datetime.date,
    ) -> None:
        self.questionnaire, self.document = questionnaire, document
        self.now, self.today, self.readings_on = now, today, readings_on
        self.asked = what_is_asked(questionnaire, document)
        self.values: dict[str, Value] = {}
        self.states: dict[str, str] = {}
        self.lists: dict[str, tuple[str, ...]] = {}
        self.told: set[str] = set()

    def facts(self) -> Facts:
        return Facts(self.values, self.states, self.lists, told=frozenset(self.told))

    def known(self, item: Item) -> tuple[Any, str]:
        """(value, "") when the answer counts, else (None, why not)."""
        if self.asked[self.questionnaire.page_of[item.link_id].number] is Truth.FALSE:
            return None, NOT_APPLICABLE
        answer = self.document.get(item.link_id)
        if answer is None:
            return None, State.SKIPPED.value
        if not answer.answered:
            return None, answer.state.value
        if is_out_of_date(item, self.document, now=self.now):
            return None, "out_of_date"
        if not has_shape(item, answer.value):
            return None, "unrecognised_value"
        return answer.value, ""

    def named(self, link_id: str) -> tuple[Any, str]:
        item = self.questionnaire.questions.get(link_id)
        return self.known(item) if item else (None, "not_asked_here")

    def read_choices(self) -> None:
        for item in self.questionnaire.questions.values():
            if item.type == "choice" and not item.asks_again:
                value, why_not = self.known(item)
                self.choice(item.link_id, value, why_not, item.by_code.keys())
            elif item.asks_again:
                self.again(item)
            elif item.option_facts:
                chosen, why_not = self.known(item)
                for option in filter(states_a_fact, item.options):
                    # Only "none of these" or "no to the rest" is an explicit no; an empty box alone says nothing.
                    code = None if chosen is None else "yes" if option.code in chosen else self._no(item, chosen)
                    self.choice(option.code, code, why_not or "skipped", {"yes", "no"})
            elif item.clinical and item.type in SAID:
                said, why_not = self.known(item)
                value = None if said is None else self._no(item, said) or "yes"
                self.choice(item.link_id, value, why_not, {"yes", "no"})

    def again(self, item: Item) -> None:
        """A question asked a second time: "yes" counts from either, and "no" only when no answer of the two is open."""
        fact = item.asks_again
        value, why_not = self.known(item)
        if why_not == NOT_APPLICABLE or self.values.get(fact) == "yes":
            return
        if value == "yes" or value is None:
            self.values.pop(fact, None)
            self.states.pop(fact, None)
            self.choice(fact, value, why_not, {"yes"})
        self.told.discard(fact)

    @staticmethod
    def _no(item: Item, chosen: list[str]) -> str | None:
        """ "no" when the answer says so of whatever is not ticked."""
        chosen_options = [option for option in item.options if option.code in chosen]
        alone = len(chosen_options) == 1 and chosen_options[0].exclusive
        return "no" if alone or any(option.rest for option in chosen_options) else None

    def choice(self, fact: str, value: Any, why_not: str, codes: Set[str]) -> None:
        self.told.add(fact)
        if why_not == NOT_APPLICABLE:
            self.values[fact] = NOT_APPLICABLE
        elif isinstance(value, str) and value in codes:
            self.values[fact] = value
        else:
            self.states[fact] = why_not or "unrecognised_value"

    def number(self, fact: str, value: float | None, why_not: str) -> None:
        self.told.add(fact)
        if value is None or is_too_long_ago(fact, value):
            self.states[fact] = why_not or "unrecognised_value"
        else:
            self.values[fact] = float(value)

    def read_dates(self) -> None:
        for fact, (link_id, unit) in DATES.items():
            value, why_not = self.named(link_id)
            until = self.readings_on if fact == "bp_reading_age_days" else self.today
            latest = latest_day(value, until) if value else None
            count = None if latest is None else count_since(latest, until, unit)
            if value and fact == "bp_reading_age_days" and value > until.isoformat():
                # Of everything else that is still to come, today is the worst that it can mean.
                count, why_not = None, "implausible"
            if fact in NEVER and self.named(NEVER[fact])[0] == "no":
                count = math.inf
            self.number(fact, count, why_not)
        # Counted to the day of the run, which the answers do not say.
        self.told.discard("bp_reading_age_days")

    def read_measures(self) -> None:
        for fact, (link_id, part) in MEASURES.items():
            item = self.questionnaire.questions.get(link_id)
            value, why_not = self.known(item) if item else (None, "not_asked_here")
            number = measures(item, value).get(part) if item else None
            if item and number is not None and not is_usable(fact, number, item, part):
                number, why_not = None, "implausible"
            self.number(fact, None if number is None else float(number), why_not)

    def read_numbers(self) -> None:
        for item in self.questionnaire.questions.values():
            if item.type == "number":
                value, why_not = self.known(item)
                number = measures(item, value).get("value")
                if number is not None and float(number) < item.ranges["value"].minimum:
                    number, why_not = None, "implausible"
                self.number(item.link_id, None if number is None else float(number), why_not)

    def read_scores(self) -> None:
        for name in self.questionnaire.scores:
            value = score_or_screen(self.questionnaire, self.document, self.asked, name)
            self.number(name, value if isinstance(value, float) else None, "incomplete")
        for name in self.questionnaire.screens:
            value = score_or_screen(self.questionnaire, self.document, self.asked, name)
            self.choice(name, value, "" if value else "incomplete", {"yes", "no"})

    def read_medicines(self) -> None:
        value, why_not = self.named("medicines")
        if value is None:
            self.states["medicines_as_typed"] = why_not
            return
        lines = (" ".join(filter(None, (row["name"], row["dose"]))) for row in value["rows"])
        self.lists["medicines_as_typed"] = tuple(lines)
        self.choice("takes_no_medicines_confirmed", "yes" if value["none"] else "no", "", {"yes", "no"})

    def read_administrative(self, licensed_states: frozenset[str]) -> None:
        consents = [item for item in self.questionnaire.questions.values() if item.consent]
        signed = [(self.known(item)[0] or {}).get("decision") == "signed" for item in consents]
        self.values["consents_complete"] = "yes" if all(signed) else "no"
        contact = ("emergency_contact_name", "emergency_contact_phone")
        self.values["emergency_contact_given"] = "yes" if all(self.named(name)[0] for name in contact) else "no"
        state, why_not = self.named("state_now")
        if state is None:
            self.states["licensed_state"] = why_not
        else:
            self.values["licensed_state"] = "yes" if state in licensed_states else "no"

    def read_measurements(self, measurements: Iterable[Measurement]) -> None:
        """Staff stand over the person's own answer, the latest over those before; where two may both be true, the
        worse one stands: a reading older than the person's own, and a C-SSRS of the same month."""
        read_on, _why_not = self.named("bp_reading_date")
        taken_on: dict[str, datetime.date] = {}
        for measurement in sorted(measurements, key=lambda m: m.on):
            fact, value = measurement.fact, measurement.value
            earlier, previous = self.values.get(fact), taken_on.get(fact)
            is_reading = fact in ("systolic_mmhg", "diastolic_mmhg")
            outdated = is_reading and earlier is not None and read_on and measurement.on.isoformat() < read_on
            same_month = fact == CSSRS and previous is not None and measurement.on - previous <= _A_MONTH
            if (outdated or same_month) and isinstance(earlier, float) and isinstance(value, float):
                value = max(earlier, value)
            self._measured(fact, value)
            taken_on[fact] = measurement.on
            if is_reading and not outdated:
                self.states.pop("bp_reading_age_days", None)
                self.values["bp_reading_age_days"] = float((self.readings_on - measurement.on).days)

    def _measured(self, fact: str, value: Value) -> None:
        link_id, part = MEASURES.get(fact, ("", ""))
        item = self.questionnaire.questions.get(link_id)
        self.states.pop(fact, None)
        self.values.pop(fact, None)
        self.told.discard(fact)
        if item and isinstance(value, float) and not is_usable(fact, Decimal(str(value)), item, part):
            self.states[fact] = "implausible"
        else:
            self.values[fact] = value


def is_usable(fact: str, number: Decimal, item: Item, part: str) -> bool:
    """Whether a measure may be bound: one below its plausible range is unknown, one above it is still a flag."""
    plausible = item.ranges[part]
    if float(number) < plausible.minimum:
        return False
    return fact in _BOUND_ABOVE_RANGE or float(number) <= plausible.maximum


def latest_day(partial: str, today: datetime.date) -> datetime.date | None:
    """The most recent day that `2019`, `2019-03` or `2019-03-05` can mean, not after today. None when it is no date."""
    if not is_partial_date(partial):
        return None
    year, month, day = [*(int(part) for part in partial.split("-")), 0, 0][:3]
    last = day or calendar.monthrange(year, month or 12)[1]
    return min(datetime.date(year, month or 12, last), today)


def count_since(day: datetime.date, today: datetime.date, unit: str) -> float:
    """Whole days, months or years from `day` to `today`."""
    if unit == "days":
        return float((today - day).days)
    months = 12 * (today.year - day.year) + today.month - day.month - (today.day < day.day)
    return float(months if unit == "months" else months // 12)


def derive(facts: Facts, lexicon: Lexicon) -> Facts:
    """Adds body mass index, medicine classes, and whether staff recorded what only they can."""
    derived: dict[str, Value] = {}
    height, weight = facts.values.get("height_cm"), facts.values.get("weight_kg")
    if isinstance(height, float) and isinstance(weight, float) and height > 0:
        derived["bmi_kg_m2"] = float(Decimal(str(weight)) / (Decimal(str(height)) / 100) ** 2)
    # What was itself left open, or said in a way that can not be read, does not follow from what was said elsewhere.
    open_facts = {name for name, state in facts.states.items() if state != NOT_APPLICABLE}
    derived |= _medicine_facts(facts, lexicon, open_facts)
    # A medicine on the list is taken, whatever else was said.
    listed = {name: value for name, value in derived.items() if value == "yes"}
    derived = {name: value for name, value in derived.items() if name not in open_facts}
    recorded = _recorded(facts, open_facts)
    values = {**derived, **facts.values, **listed, **recorded}
    return replace(facts, values=values, derived=frozenset({*derived, *listed, *recorded}) - facts.values.keys())


def _recorded(facts: Facts, open_facts: Set[str]) -> dict[str, Value]:
    """Whether staff recorded what only they can: "no" only where nothing at all is said of it."""
    found: dict[str, Value] = {}
    for name, number in RECORDED.items():
        if number in facts.values or facts.values.get(name) == "yes":
            found[name] = "yes"
        elif not open_facts & {name, number}:
            found[name] = "no"
    return found


def _medicine_facts(facts: Facts, lexicon: Lexicon, open_facts: Set[str]) -> dict[str, Value]:
    """`takes_…` for each class: "yes" when a line names it, "no" only when the whole list is known, and unbound
    otherwise.

    The list holds what is taken now and what was stopped in the past 14 days, because both count.
    """
    readings = [lexicon.read(line) for line in facts.lists.get("medicines_as_typed", ()) if line.strip()]
    given = bool(readings) or facts.values.get("takes_no_medicines_confirmed") == "yes"
    named = lexicon.classes_of(name for reading in readings for name in (*reading.exact, *reading.suggested))
    recognised = all(reading.recognised for reading in readings)
    # Medicine for opioid use that a clinic hands out is easily left off the list: then it is open which one it is, also
    # for somebody who is unsure of the treatment. Not the whole list, or being unsure would leave more open than a yes.
    told_of_opioid = facts.values.get(OPIOID_TREATMENT) == "yes" or OPIOID_TREATMENT in open_facts
    left_off = {code for code in lexicon.classes if told_of_opioid and code.startswith("opioid_")}
    found: dict[str, Value] = {}
    for code in lexicon.classes:
        if code in named:
            found[f"takes_{code}"] = "yes"
        elif given and recognised and (left_off & named or code not in left_off):
            found[f"takes_{code}"] = "no"
    if given:
        found["medicine_unrecognized"] = "no" if recognised else "yes"
    return found
