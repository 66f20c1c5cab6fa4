"""The names that rules read: which facts there are, of what kind, and which questions give them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import yaml

from intake.questionnaires import Option, Questionnaire
from screening.medicines import Lexicon

Value = str | float
NOT_APPLICABLE = "not_applicable"
CSSRS = "cssrs_highest_ideation_past_month"
# What only staff record; no question gives it.
STAFF_FACTS = frozenset(
    {
        "identity_verified",
        CSSRS,
        "cssrs_recorded",
        "alt_or_ast_times_upper_limit",
        "liver_tests_recorded",
    }
)
# Whether a number that only staff can give is there, so that a rule can ask for it without staying open for everybody.
RECORDED = {
    "cssrs_recorded": CSSRS,
    "liver_tests_recorded": "alt_or_ast_times_upper_limit",
}
YES_NO = frozenset({"yes", "no", NOT_APPLICABLE})
# Where a number comes from: the fact, the question, and what is counted from its date.
DATES = {
    "age_years": ("date_of_birth", "years"),
    "days_since_last_suicide_attempt": ("last_suicide_attempt_date", "days"),
    "months_since_last_psychosis": ("last_psychosis_date", "months"),
    "days_since_heart_attack_or_stroke": ("last_heart_attack_or_stroke_date", "days"),
    "days_since_cocaine_or_meth": ("last_cocaine_or_meth_date", "days"),
    "bp_reading_age_days": ("bp_reading_date", "days"),
}
OPIOID_TREATMENT = "opioid_treatment_medicine_past_30_days"
# A "no" to the question means that it never happened: infinitely many days ago.
NEVER = {"days_since_cocaine_or_meth": "cocaine_or_meth_ever"}
# 120 years: nothing in anybody's life is longer ago, so a larger number is a slip. An age that is merely too high is a
# finding; one of 2,000 years is a slip too.
_LONGEST_AGO = {"days_since_": 43_830, "months_since_": 1_440, "age_years": 150}
# Types whose answer a rule can not read; it reads whether something was said. "No" is "none of these".
SAID = ("multiple_choice", "short_text", "long_text")
MEASURES = {
    "systolic_mmhg": ("blood_pressure", "systolic"),
    "diastolic_mmhg": ("blood_pressure", "diastolic"),
    "height_cm": ("height", "value"),
    "weight_kg": ("weight", "value"),
}


@dataclass(frozen=True)
class Vocabulary:
    """Every fact by kind: the codes of each choice, the numbers, and the lists of text."""

    choices: Mapping[str, frozenset[str]]
    numbers: frozenset[str]
    lists: frozenset[str]

    @property
    def names(self) -> frozenset[str]:
        return self.numbers | self.lists | frozenset(self.choices)


@cache
def _declared() -> dict[str, list[str]]:
    return yaml.safe_load((Path(__file__).parent / "content" / "facts.yaml").read_text(encoding="utf-8"))


def vocabulary(questionnaire: Questionnaire, lexicon: Lexicon) -> Vocabulary:
    """The facts that this questionnaire and medicine list give, with those declared beside them."""
    choices, numbers = dict.fromkeys(_declared()["choices"], YES_NO), set(_declared()["numbers"])
    numbers |= set(questionnaire.scores)
    choices |= dict.fromkeys(questionnaire.screens, YES_NO)
    for name in class_facts(lexicon):
        choices[name] = YES_NO
    for item in questionnaire.questions.values():
        if item.type == "number":
            numbers.add(item.link_id)
        if item.type == "choice" and not item.asks_again:
            choices[item.link_id] = frozenset(option.code for option in item.options) | {NOT_APPLICABLE}
        elif item.option_facts:
            choices |= {option.code: YES_NO for option in item.options if states_a_fact(option)}
        elif item.clinical and item.type in SAID:
            choices[item.link_id] = YES_NO
    return Vocabulary(choices, frozenset(numbers), frozenset(_declared()["lists"]))


def only_from_intake(known: Vocabulary, lexicon: Lexicon) -> frozenset[str]:
    """Choices that an intake asks beyond the declared facts, and what only a clinic can say.

    A fact file need not name them: there they are not applicable unless given.
    """
    beyond = known.choices.keys() - set(_declared()["choices"]) - set(class_facts(lexicon))
    return frozenset(beyond | {"licensed_state"})


def is_too_long_ago(fact: str, count: float) -> bool:
    """Whether a count since something is more than a life long. Infinity is not: it says that it never was."""
    most = next((most for prefix, most in _LONGEST_AGO.items() if fact.startswith(prefix)), math.inf)
    return most < count < math.inf


def states_a_fact(option: Option) -> bool:
    """Whether an option of a list of facts is one of them, and not its way to say no."""
    return not (option.exclusive or option.rest)


def class_facts(lexicon: Lexicon) -> list[str]:
    return [f"takes_{code}" for code in lexicon.classes]


@lru_cache(maxsize=1024)
def link_ids_of(fact: str, questionnaire: Questionnaire) -> tuple[str, ...]:
    """The questions whose answers give a fact, for showing the person's own words; empty for what staff record."""
    if fact in questionnaire.questions:
        again = (item.link_id for item in questionnaire.questions.values() if item.asks_again == fact)
        return (fact, *again)
    if fact in DATES:
        return tuple(filter(None, (NEVER.get(fact), DATES[fact][0])))
    if fact in questionnaire.scores:
        return questionnaire.items_of(questionnaire.scores[fact])
    if fact in questionnaire.screens:
        return questionnaire.items_of(questionnaire.scores[questionnaire.screens[fact].score])
    if fact in MEASURES:
        return (MEASURES[fact][0],)
    if fact.startswith("takes_") or fact in ("medicine_unrecognized", "medicines_as_typed"):
        return ("medicines",)
    derived = {
        "bmi_kg_m2": ("height", "weight"),
        "consents_complete": tuple(i.link_id for i in questionnaire.questions.values() if i.consent),
        "emergency_contact_given": ("emergency_contact_name", "emergency_contact_phone"),
        "licensed_state": ("state_now",),
    }
    if fact in derived:
        return derived[fact]
    return tuple(i.link_id for i in questionnaire.questions.values() if i.option_facts and i.option(fact))
