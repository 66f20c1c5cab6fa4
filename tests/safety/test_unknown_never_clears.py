"""Losing one fact about a person never makes them look safer."""

from random import Random

import pytest

from screening.engine import assess
from screening.rules import severity
from tests.conftest import shipped_rule_set
from tests.safety.people import NOTHING_TO_FLAG, bound_facts, known, random_person

RULES = shipped_rule_set()


def related(rule_id):
    """The rules that may stand in for a rule: those it is covered by or yields to, and theirs in turn."""
    found, waiting = set(), [rule_id]
    while waiting:
        rule = RULES.by_id[waiting.pop()]
        for other in (*rule.covered_by, *rule.yields_to):
            if other not in found:
                found.add(other)
                waiting.append(other)
    return found


def result(person):
    return assess(RULES, bound_facts(person))


def compare(person, lost):
    """Asserts that nothing listed is gone without a trace once the fact `lost` is unknown."""
    before = {issue.rule: issue for issue in result(person).issues}
    fewer = result({**person, lost: "skipped"})
    after = {issue.rule: issue for issue in fewer.issues}
    for name, issue in before.items():
        now = after.get(name)
        if now is None:
            assert related(name) & set(after), f"{name} is gone without {lost}"
        elif now.status == "fired":
            assert severity(now.tier) >= severity(issue.tier) or issue.status == "unresolved", f"{name} without {lost}"
        else:
            assert now.status == "unresolved", f"{name} without {lost}"
    highest = max((issue.tier for issue in before.values()), key=severity, default="none")
    if severity(fewer.highest_tier) < severity(highest):
        for name, issue in before.items():
            if issue.tier == highest:
                standing = [after[other] for other in {name, *related(name)} & set(after)]
                # A finding that is itself a hold ("collect what is missing") keeps the case open as well.
                open_now = any(issue.status == "unresolved" or issue.hold for issue in standing)
                assert open_now, f"{name} at {highest} without {lost} left nothing open"


@pytest.mark.parametrize("seed", range(40))
def test_replacing_one_fact_by_unknown_keeps_every_flag_or_what_stands_for_it(seed):
    person = random_person(Random(seed), unknown=0.1 if seed % 2 else 0.0)
    for name in person:
        compare(person, name)


def test_replacing_facts_one_after_the_other_never_ends_without_a_flag():
    chance = Random(0)
    person = {**NOTHING_TO_FLAG, "aneurysm_or_avm": "yes"}
    names = list(person)
    chance.shuffle(names)
    for name in names:
        compare(person, name)
        person = {**person, name: "skipped"}
        assert result(person).issues


def test_somebody_of_whom_nothing_is_known_has_every_question_open():
    listed = {issue.rule: issue for issue in result({}).issues}
    assert {issue.status for issue in listed.values()} == {"unresolved"}
    absent = set(RULES.by_id) - set(listed)
    assert all(related(name) & set(listed) for name in absent)


@pytest.mark.parametrize(
    "wrong",
    ["Yes", "YES", " no", "No", "no ", "maybe", "", "true", "nein", True, False, 0, 1, None, [], ["no"], {"no": 1}],
)
def test_a_misspelled_answer_clears_nothing(wrong):
    for name in NOTHING_TO_FLAG:
        if name in known().choices:
            unknown = list(result({**NOTHING_TO_FLAG, name: "skipped"}).issues)
            assert list(result({**NOTHING_TO_FLAG, name: wrong}).issues) == unknown, name


@pytest.mark.parametrize(
    "wrong", ["120", "", True, False, None, float("nan"), float("inf"), 10**400, [120], "never", "about 120"]
)
@pytest.mark.parametrize("name", ["systolic_mmhg", "age_years", "height_cm", "bp_reading_age_days"])
def test_a_number_that_is_none_clears_nothing(name, wrong):
    assert result({**NOTHING_TO_FLAG, name: wrong}) == result({**NOTHING_TO_FLAG, name: "skipped"})
    assert result({**NOTHING_TO_FLAG, name: wrong}).issues


@pytest.mark.parametrize("wrong", ["none", "", {}, [1], [None], 5, None, True])
def test_a_medicine_list_that_is_none_clears_nothing(wrong):
    person = {**NOTHING_TO_FLAG, "medicines_as_typed": wrong, "takes_no_medicines_confirmed": "skipped"}
    assert [issue.rule for issue in result(person).issues] == ["medication.unrecognized"]
