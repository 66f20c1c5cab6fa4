"""What follows from facts: body mass index, classes of medicine, and whether staff recorded what only they can."""

import pytest

from screening.facts import Facts, derive
from tests.conftest import shipped_rule_set

CSSRS, LIVER = "cssrs_highest_ideation_past_month", "alt_or_ast_times_upper_limit"


def derived(values=(), *, states=(), lines=None):
    lists = {} if lines is None else {"medicines_as_typed": tuple(lines)}
    return derive(Facts(dict(values), dict(states), lists), shipped_rule_set().lexicon)


@pytest.mark.parametrize(
    ("height", "weight", "bmi"),
    [(200.0, 80.0, 20.0), (1.0, 1.0, 10_000.0), (0.0, 80.0, None), (200.0, "80", None), ("200", 80.0, None)],
)
def test_a_body_mass_index_needs_two_numbers_and_some_height(height, weight, bmi):
    assert derived({"height_cm": height, "weight_kg": weight}).values.get("bmi_kg_m2") == bmi


def test_a_medicine_on_the_list_is_taken_whatever_else_was_said():
    found = derived({"takes_maoi": "no"}, lines=["Nardil"])
    assert (found.values["takes_maoi"], found.values["takes_xanthine"]) == ("yes", "no")
    # What does not stand on the list leaves what was said alone.
    assert derived({"takes_maoi": "yes"}, lines=["metformin"]).values["takes_maoi"] == "yes"


def test_what_was_itself_left_open_does_not_follow_unless_it_is_taken():
    assert "takes_maoi" not in derived(states={"takes_maoi": "not_sure"}, lines=["metformin"]).values
    assert derived(states={"takes_maoi": "not_sure"}, lines=["Nardil"]).values["takes_maoi"] == "yes"
    assert derived(states={"takes_maoi": "not_applicable"}, lines=["metformin"]).values["takes_maoi"] == "no"


def test_what_follows_is_told_apart_from_what_was_given():
    found = derived({"height_cm": 200.0, "weight_kg": 80.0, "takes_maoi": "yes"}, lines=["Nardil"])
    assert {"bmi_kg_m2", "takes_xanthine", "medicine_unrecognized", "cssrs_recorded"} <= found.derived
    assert not {"height_cm", "weight_kg", "takes_maoi"} & found.derived


@pytest.mark.parametrize(("name", "number"), [("cssrs_recorded", CSSRS), ("liver_tests_recorded", LIVER)])
def test_whether_staff_recorded_a_number(name, number):
    assert derived().values[name] == "no"
    assert derived({number: 0.0}).values[name] == "yes"
    assert derived({name: "yes"}).values[name] == "yes"
    assert derived({name: "no"}).values[name] == "no"
    assert derived({name: "no", number: 2.0}).values[name] == "yes"
    assert derived({name: "not_applicable"}).values[name] == "no"
    for left_open in (name, number):
        assert name not in derived(states={left_open: "skipped"}).values
        assert derived(states={left_open: "not_applicable"}).values[name] == "no"
    assert derived({number: 2.0}, states={name: "skipped"}).values[name] == "yes"


@pytest.mark.parametrize(
    ("lines", "told", "full", "partial", "xanthine"),
    [
        (["metformin"], "no", "no", "no", "no"),
        (["metformin"], "yes", None, None, "no"),
        (["methadone"], "yes", "yes", "no", "no"),
        (["Suboxone"], "yes", "no", "yes", "no"),
        (["Suboxone"], "no", "no", "yes", "no"),
        (["zzqx"], "no", None, None, None),
        (["zzqx", "methadone"], "yes", "yes", None, None),
        ([], "no", None, None, None),
        ([" "], "no", None, None, None),
    ],
)
def test_an_opioid_that_is_told_of_and_not_listed_stays_open(lines, told, full, partial, xanthine):
    values = derived({"opioid_treatment_medicine_past_30_days": told}, lines=lines).values
    classes = ("opioid_full_agonist", "opioid_partial_agonist", "xanthine")
    assert tuple(values.get(f"takes_{code}") for code in classes) == (full, partial, xanthine)


@pytest.mark.parametrize(
    ("states", "full"),
    [({}, "no"), ({"opioid_treatment_medicine_past_30_days": "not_applicable"}, "no")]
    + [
        ({"opioid_treatment_medicine_past_30_days": state}, None)
        for state in ("not_sure", "skipped", "prefer_not_to_say")
    ],
)
def test_somebody_unsure_of_medicine_for_opioid_use_may_take_any(states, full):
    """As open as for somebody who said yes; where it was not asked at all, the list is the whole answer."""
    assert derived(states=states, lines=["metformin"]).values.get("takes_opioid_full_agonist") == full


@pytest.mark.parametrize(
    ("lines", "none", "unrecognized"),
    [(["metformin"], "no", "no"), (["zzqx"], "no", "yes"), ([], "yes", "no"), ([], "no", None), ([" "], "no", None)],
)
def test_a_list_is_recognized_only_when_it_was_given(lines, none, unrecognized):
    values = derived({"takes_no_medicines_confirmed": none}, lines=lines).values
    assert values.get("medicine_unrecognized") == unrecognized


def test_no_list_and_nothing_confirmed_leaves_every_class_open():
    assert [name for name in derived().values if name.startswith("takes_") or name == "medicine_unrecognized"] == []
