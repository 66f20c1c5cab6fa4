"""Knowing less about a person never makes them look safer: not one fact less, not one answer less, not any set of them."""

from random import Random

import pytest

from intake.branching import retire_unasked
from screening.engine import assess
from tests.safety.generated import (
    FULL,
    NOW,
    QUESTIONNAIRE,
    RULES,
    WITHOUT_ANSWER,
    budget,
    demo_people,
    document_of,
    facts_of,
    leave_out,
    leave_unexplained,
    listed,
    lost_flags,
    people_of_examples,
    random_document,
    stand_ins,
)
from tests.safety.people import NOTHING_TO_FLAG, bound_facts, random_person

EXAMPLES = list(people_of_examples())
# Recorded by staff or not there at all: without it nothing is left open (screening/vocabulary.py, RECORDED).
RECORDED_BY_STAFF = {"cssrs_highest_ideation_past_month", "alt_or_ast_times_upper_limit"}
READ = list(dict.fromkeys(name for rule in RULES.rules for name in rule.reads(RULES.constants)))


@pytest.fixture(autouse=True)
def _unexplained(monkeypatch):
    leave_unexplained(monkeypatch)


# ── facts ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rule", [rule.id for rule in RULES.rules])
def test_one_fact_of_an_example_less_loses_no_flag(rule):
    for name, person in EXAMPLES:
        if name.startswith(f"{rule},"):
            example = person.keys() if FULL else [n for n, v in person.items() if NOTHING_TO_FLAG.get(n) != v]
            before = listed(bound_facts(person))
            for lost in set(example) - RECORDED_BY_STAFF:
                assert lost_flags(before, bound_facts({**person, lost: "skipped"})) == [], (name, lost)


@pytest.mark.parametrize("fact", list(NOTHING_TO_FLAG))
def test_one_fact_less_of_somebody_with_nothing_to_flag_is_listed(fact):
    # An empty list and "I take none" say the same; without both it is not known.
    same = {"medicines_as_typed": "takes_no_medicines_confirmed"}
    lost = {**NOTHING_TO_FLAG, fact: "skipped", same.get(fact, fact): "skipped"}
    # A follow-up behind a gate that is no is never reached.
    behind_a_gate = (
        NOTHING_TO_FLAG[fact] == "not_applicable" and fact not in RULES.by_id["intake.history-open"].requires
    )
    assert behind_a_gate or listed(bound_facts(lost))


@pytest.mark.parametrize("name", demo_people())
def test_one_bound_fact_less_of_the_people_of_the_demo_loses_no_flag(name):
    facts = facts_of(document_of(demo_people()[name])).values
    before = listed(facts)
    for lost in READ:
        if lost in facts:
            assert lost_flags(before, {n: v for n, v in facts.items() if n != lost}) == [], lost


@pytest.mark.parametrize("block", range(8))
def test_any_set_of_facts_less_loses_no_flag(block):
    for number in range(budget(40, 12_500)):
        seed = f"facts {block} {number}"
        chance = Random(seed)
        person = random_person(chance, unknown=chance.choice([0, 0.1, 0.4]), seen_by_staff=chance.random() < 0.5)
        before = bound_facts(person)
        if chance.random() < 0.5:
            lost = set(chance.sample(sorted(person), chance.choice([1, 2, 5, 20]))) - RECORDED_BY_STAFF
            after = bound_facts({**person, **dict.fromkeys(lost, "skipped")})
        else:
            # Also what is derived from one list, each by itself.
            lost = set(chance.sample(READ, chance.choice([1, 2, 5, 20])))
            after = {name: value for name, value in before.items() if name not in lost}
        assert lost_flags(listed(before), after) == [], (seed, lost)


def test_facts_lost_one_after_the_other_never_end_without_a_flag():
    for number in range(budget(1, 50)):
        seed = f"one by one {number}"
        chance = Random(seed)
        person = {**NOTHING_TO_FLAG, "aneurysm_or_avm": "yes"}
        for name in chance.sample(sorted(person), len(person)):
            before = listed(bound_facts(person))
            person = {**person, name: "skipped"}
            assert lost_flags(before, bound_facts(person)) == [], (seed, name)


def test_somebody_of_whom_nothing_is_known_has_every_question_open():
    issues = listed({})
    assert {issue.status for issue in issues.values()} == {"unresolved"}
    assert all(stand_ins(name, issues, {}) for name in set(RULES.by_id) - set(issues))


# ── answers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def answer_less(document, lost):
    """The facts once the questions in `lost` have no answer, each in the way it says."""
    fewer = document.copy()
    for link_id, state in lost.items():
        leave_out(fewer, link_id, state)
    retire_unasked(QUESTIONNAIRE, fewer, at=NOW.isoformat())
    return facts_of(fewer).values


@pytest.mark.parametrize("name", demo_people())
def test_one_answer_less_of_the_people_of_the_demo_loses_no_flag(name):
    document = document_of(demo_people()[name])
    before = listed(facts_of(document).values)
    for link_id in QUESTIONNAIRE.questions:
        for state in WITHOUT_ANSWER if FULL else WITHOUT_ANSWER[-1:]:
            assert lost_flags(before, answer_less(document, {link_id: state})) == [], (link_id, state)


@pytest.mark.parametrize("block", range(8))
def test_any_set_of_answers_less_loses_no_flag(block):
    for number in range(budget(25, 12_500)):
        seed = f"answers {block} {number}"
        chance = Random(seed)
        document = random_document(chance, unknown=chance.choice([0, 0.1, 0.4]))
        names = chance.sample(sorted(QUESTIONNAIRE.questions), chance.choice([1, 2, 5, 20]))
        lost = {link_id: chance.choice(WITHOUT_ANSWER) for link_id in names}
        after = answer_less(document, lost)
        assert lost_flags(listed(facts_of(document).values), after) == [], (seed, lost)


def test_every_way_to_leave_a_question_without_an_answer_lists_the_same():
    for number in range(budget(10, 500)):
        seed = f"ways {number}"
        chance = Random(seed)
        document = random_document(chance)
        lost = chance.sample(sorted(QUESTIONNAIRE.questions), 5)
        results = {assess(RULES, answer_less(document, dict.fromkeys(lost, state))) for state in WITHOUT_ANSWER}
        assert len(results) == 1, (seed, lost)
