"""What facts, answers and numbers are called in the book."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from intake.questionnaires import PARTS, Item, Questionnaire
from screening.rules import RuleSet
from screening.vocabulary import RECORDED, STAFF_FACTS, link_ids_of, states_a_fact

# Facts that no question is named after. Whatever is not here is called by its own name, without underscores.
_LABELS = {
    "age_years": "age",
    "alt_or_ast_times_upper_limit": "ALT or AST, whichever is higher",
    "bmi_kg_m2": "body mass index",
    "bp_reading_age_days": "age of the blood pressure reading",
    "consents_complete": "every required consent signed",
    "cssrs_highest_ideation_past_month": "C-SSRS: highest level of ideation in the past month",
    "cssrs_recorded": "a C-SSRS result recorded by a clinician",
    "days_since_cocaine_or_meth": "time since cocaine or methamphetamine",
    "days_since_heart_attack_or_stroke": "time since the latest heart attack or stroke",
    "days_since_last_suicide_attempt": "time since the last suicide attempt",
    "diastolic_mmhg": "blood pressure, bottom number",
    "emergency_contact_given": "name and phone number of an emergency contact",
    "height_cm": "height",
    "identity_verified": "identity checked by staff",
    "licensed_state": "clinic licensed in the state the person is in",
    "liver_tests_recorded": "liver tests recorded by a clinician",
    "medicine_unrecognized": "a medicine that could not be read with certainty",
    "medicines_as_typed": "medicines as typed",
    "months_since_last_psychosis": "time since the last psychosis",
    "systolic_mmhg": "blood pressure, top number",
    "takes_no_medicines_confirmed": "“no medicines” ticked",
    "weight_kg": "weight",
}
_UNITS = {
    "_mmhg": "mmHg",
    "_years": "years",
    "_cm": "cm",
    "_kg_m2": "kg/m²",
    "_kg": "kg",
    "_age_days": "days",
    "_times_upper_limit": "times the upper limit",
    "days_since_": "days",
    "months_since_": "months",
}
# The four words that a fact file uses besides codes.
_STATES = {
    "not_applicable": "Does not apply",
    "not_sure": "Not sure",
    "prefer_not_to_say": "Prefer not to say",
    "skipped": "Left blank",
    "never": "Never",
    "yes": "Yes",
    "no": "No",
}


@dataclass(frozen=True, eq=False)
class Names:
    """Names as one pair of documents gives them."""

    questionnaire: Questionnaire
    rule_set: RuleSet

    @cached_property
    def numbers(self) -> dict[str, str]:
        """The number of every page and question: 5.3, or 5.3b for the second question of a page."""
        found: dict[str, str] = {}
        for index, section in enumerate(self.questionnaire.sections, 1):
            for place, item in enumerate(section.items, 1):
                found[item.link_id] = f"{index}.{place}"
                for letter, child in enumerate(item.items):
                    found[child.link_id] = f"{index}.{place}{chr(ord('a') + letter)}"
        return found

    @cached_property
    def _options(self) -> dict[str, tuple[Item, str]]:
        """Every option that is a fact of its own: its question, and its label."""
        return {
            option.code: (item, option.label["en"])
            for item in reversed(self.questionnaire.questions.values())
            if item.option_facts
            for option in item.options
            if states_a_fact(option)
        }

    def asked_in(self, fact: str) -> tuple[str, ...]:
        """The questions whose answers give a fact, as link_ids; empty for what staff record."""
        return tuple(i for i in link_ids_of(fact, self.questionnaire) if i in self.numbers)

    def place(self, fact: str) -> tuple[str, str]:
        """Where the book describes a fact: the link, and the number of its question or who else gives it."""
        question = next(iter(self.asked_in(fact)), "")
        if question:
            return f"#q-{question}", self.numbers[question]
        return f"#fact-{fact}", "staff" if fact in STAFF_FACTS else "facts"

    def label(self, fact: str) -> str:
        """A noun in plain words, such as "thoughts about killing yourself"; "you" is the person who answers."""
        if fact in _LABELS:
            return _LABELS[fact]
        if item := self.questionnaire.questions.get(fact):
            return item.summary.get("en") or item.text["en"]
        if fact in self._options:
            return self._options[fact][1]
        if score := self.questionnaire.scores.get(fact):
            return score.title["en"]
        if screen := self.questionnaire.screens.get(fact):
            return f"{self.label(screen.score)}, at or above the cut-off"
        if fact.startswith("takes_") and fact.removeprefix("takes_") in self.rule_set.lexicon.classes:
            return f"medicine list: {self.rule_set.lexicon.classes[fact.removeprefix('takes_')]}"
        return fact.replace("_", " ")

    def answer(self, fact: str, code: str) -> str:
        """What a code says, in the words of the option."""
        item = self.questionnaire.questions.get(fact)
        option = item.option(code) if item else None
        return option.label["en"] if option else _STATES.get(code, code)

    def value(self, fact: str, value: Any) -> str:
        """A value of a fact file in words."""
        if isinstance(value, list):
            return " + ".join(f"“{line}”" for line in value) if value else "an empty list"
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return with_unit(float(value), self.unit(fact))
        return self.answer(fact, str(value))

    def unit(self, fact: str) -> str:
        item = self.questionnaire.questions.get(fact)
        if item and item.unit:
            return item.unit["en"]
        return next((u for part, u in _UNITS.items() if fact.endswith(part) or fact.startswith(part)), "")

    def comes_from(self, fact: str) -> str:
        """How a fact comes about when it is not simply the answer to a question."""
        if fact in RECORDED:
            return "whether staff have recorded the result"
        if fact in STAFF_FACTS:
            return "recorded by staff, never asked"
        if fact in self.questionnaire.scores or fact in self.questionnaire.screens:
            return "scored from"
        if fact.startswith("takes_") and fact.removeprefix("takes_") in self.rule_set.lexicon.classes:
            return "read from the list of medicines"
        if fact in self.questionnaire.questions:
            return "asked"
        if fact in self._options:
            return "ticked in"
        if fact in PARTS:
            return "one of the two numbers of"
        return "worked out from" if self.asked_in(fact) else "not asked by this questionnaire"


def plain_number(value: float) -> str:
    """Without a needless ".0"."""
    return str(int(value)) if value == int(value) else str(value)


def with_unit(value: float, unit: str) -> str:
    number = plain_number(value)
    words = unit.removesuffix("s") if value == 1 and unit in ("days", "months", "years", "points") else unit
    words = words.replace("kg/m2", "kg/m²")
    return f"{number} {words}".strip()
