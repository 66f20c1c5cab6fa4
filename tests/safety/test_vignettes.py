"""Every labelled made-up person through the whole path: each expected flag in just these words, and no other."""

from functools import cache

import pytest

from clinic_site.publishing.documents import ContentError
from screening.demo import complete_answers, fill_in
from screening.safety.coverage import goals, reached
from screening.safety.vignettes import SHIPPED, answer_document, read_vignettes, run_vignette
from tests.conftest import shipped_questionnaire, shipped_rule_set

VIGNETTES = read_vignettes(shipped_questionnaire(), shipped_rule_set())


@cache
def ran(vignette_id):
    (vignette,) = (vignette for vignette in VIGNETTES if vignette.id == vignette_id)
    return run_vignette(vignette, shipped_questionnaire(), shipped_rule_set())


@pytest.mark.parametrize("vignette_id", [vignette.id for vignette in VIGNETTES])
def test_every_expected_flag_is_listed_and_no_other(vignette_id):
    assert ran(vignette_id).report() == ""


def test_every_band_and_every_policy_of_every_rule_is_expected_of_somebody():
    rule_set = shipped_rule_set()
    found = reached(rule_set, (ran(vignette.id) for vignette in VIGNETTES))
    assert [goal for goal in goals(rule_set) if goal not in found] == []


def test_there_are_at_least_three_hundred():
    assert len(VIGNETTES) >= 300


@pytest.mark.parametrize(
    "vignette_id", ["example-heart-attack-taken-back", "example-pressure-crisis", "example-maoi-by-brand"]
)
def test_a_vignette_answers_what_the_pages_and_the_database_would_keep(vignette_id, published, clinic):
    (vignette,) = (vignette for vignette in VIGNETTES if vignette.id == vignette_id)
    response = fill_in(clinic, complete_answers(**vignette.answers), changes=vignette.then)
    assert kept(response.document()) == kept(answer_document(vignette, shipped_questionnaire()))


def kept(document):
    """What is in force and what was taken back, but for the one date that is counted from today."""
    said = [("now", answer) for answer in document.answers.values()] + [("then", answer) for answer in document.history]
    return {(when, a.link_id, a.state, str(a.value)) for when, a in said if a.link_id != "bp_reading_date"}


def read(tmp_path, text):
    (tmp_path / "people.yaml").write_text(text)
    return read_vignettes(shipped_questionnaire(), shipped_rule_set(), tmp_path)


def test_the_example_is_read(tmp_path):
    (vignette,) = read(tmp_path, "- {id: one, who: Somebody made up, answers: {aneurysm_or_avm: yes}}")
    assert (vignette.id, vignette.theme, vignette.answers) == ("one", "people", {"aneurysm_or_avm": "yes"})


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("answers: {aneurysm: yes}", "'answers' names 'aneurysm', which is no question"),
        ("then: {aneurysm: yes}", "'then' names 'aneurysm', which is no question"),
        ("must: {age.wrong: hold}", "names the rule 'age.wrong', which does not exist"),
        ("must: {cardiovascular.aneurysm-avm: bad}", "'must' says 'bad' of cardiovascular.aneurysm-avm"),
        ("must: {cardiovascular.aneurysm-avm: clear}", "'must' says 'clear' of cardiovascular.aneurysm-avm"),
        ("may: [age.wrong]", "names the rule 'age.wrong', which does not exist"),
        ("must_not: [age.wrong]", "names the rule 'age.wrong', which does not exist"),
        ("must: {age.out-of-range: hold}, must_not: [age.out-of-range]", "stands under 'must_not'"),
        ("staff: {aneurysm_or_avm: yes}", "'staff' names 'aneurysm_or_avm'"),
        ("staff: {identity_verified: Yes}", "'identity_verified' as 'Yes', which is none of its codes"),
        ("staff: {systolic_mmhg: high}", "'systolic_mmhg' as 'high': write a number"),
        ("staff_on: yesterday", "'staff_on' must be a date"),
        ("musst: {}", "the key 'musst' is not known: did you mean 'must'?"),
    ],
)
def test_a_slip_in_a_vignette_is_named(tmp_path, wrong, says):
    with pytest.raises(ContentError, match="people.yaml: one: ") as refused:
        read(tmp_path, f"- {{id: one, who: Somebody made up, {wrong}}}")
    assert says in str(refused.value)


def test_an_id_given_twice_is_refused(tmp_path):
    with pytest.raises(ContentError, match="this id stands in people.yaml too"):
        read(tmp_path, "- {id: one, who: Somebody}\n- {id: one, who: Somebody else}")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ("{aneurysm_or_avm: perhaps}", "one: aneurysm_or_avm offers no answer"),
        ("{last_heart_attack_or_stroke_date: '2020'}", "one: answers last_heart_attack_or_stroke_date, which this"),
        ("{blood_pressure: high}", "one: blood_pressure: 'high' is no answer of type blood_pressure"),
    ],
)
def test_an_answer_that_nobody_can_give_is_refused(tmp_path, wrong, says):
    (vignette,) = read(tmp_path, f"- {{id: one, who: Somebody made up, answers: {wrong}}}")
    with pytest.raises(ValueError, match=says):
        run_vignette(vignette, shipped_questionnaire(), shipped_rule_set())


def test_a_missing_flag_another_tier_and_a_false_flag_are_all_reported(tmp_path):
    (vignette,) = read(
        tmp_path,
        "- {id: one, who: Somebody, answers: {aneurysm_or_avm: yes, brain_bleed_ever: yes},"
        " must: {cardiovascular.aneurysm-avm: relative, age.out-of-range: absolute}}",
    )
    ran = run_vignette(vignette, shipped_questionnaire(), shipped_rule_set())
    assert ran.missed == {"cardiovascular.aneurysm-avm": "absolute", "age.out-of-range": ""}
    assert ran.false_flags == {"neurological.brain-bleed": "absolute"}


def test_the_shipped_vignettes_stand_beside_the_tests():
    assert SHIPPED.is_dir()
