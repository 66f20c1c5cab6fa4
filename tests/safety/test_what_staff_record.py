"""What staff record stands over the answer; where both may be true, the worse one does."""

import datetime

import pytest

from screening.facts import Measurement
from tests.screening.test_facts import TODAY, facts

CSSRS = "cssrs_highest_ideation_past_month"


def days_ago(days):
    return TODAY - datetime.timedelta(days=days)


def pressure(*taken, own=("118", "76"), own_days_ago=3):
    """The pressure and its age in days: the person's `own`, then readings by staff as (days ago, systolic, diastolic)."""
    recorded = []
    for ago, systolic, diastolic in taken:
        on = days_ago(ago)
        recorded += [Measurement("systolic_mmhg", systolic, on), Measurement("diastolic_mmhg", diastolic, on)]
    given = {"blood_pressure": dict(zip(("systolic", "diastolic"), own, strict=True))} if own else {}
    if own_days_ago is not None:
        given["bp_reading_date"] = days_ago(own_days_ago).isoformat()
    values = facts(measurements=recorded, **given).values
    return values["systolic_mmhg"], values["diastolic_mmhg"], values.get("bp_reading_age_days")


@pytest.mark.parametrize(
    ("taken", "stands"),
    [
        ([], (118.0, 76.0, 3.0)),
        # Newer, or of the same day: the reading by staff.
        ([(0, 160.0, 84.0)], (160.0, 84.0, 0.0)),
        ([(0, 100.0, 60.0)], (100.0, 60.0, 0.0)),
        ([(3, 100.0, 60.0)], (100.0, 60.0, 3.0)),
        # Older than the person's own: the higher number of each, at the age of the newer.
        ([(4, 160.0, 70.0)], (160.0, 76.0, 3.0)),
        ([(4, 100.0, 95.0)], (118.0, 95.0, 3.0)),
        # Of several by staff the latest.
        ([(1, 150.0, 99.0), (0, 120.0, 70.0)], (120.0, 70.0, 0.0)),
        ([(0, 120.0, 70.0), (1, 150.0, 99.0)], (120.0, 70.0, 0.0)),
    ],
)
def test_a_reading_by_staff_stands_over_an_older_one(taken, stands):
    assert pressure(*taken) == stands


def test_a_reading_by_staff_stands_alone_where_the_person_gave_none():
    assert pressure((9, 150.0, 95.0), own=None) == (150.0, 95.0, 9.0)
    assert pressure((9, 150.0, 95.0), own_days_ago=None) == (150.0, 95.0, 9.0)


def test_a_reading_by_staff_closes_an_open_age():
    open_age = facts(blood_pressure={"systolic": "118", "diastolic": "76"})
    closed = facts(measurements=[Measurement("systolic_mmhg", 120.0, TODAY)])
    assert "bp_reading_age_days" in open_age.states
    assert "bp_reading_age_days" not in closed.states


def test_a_weight_by_staff_stands_whatever_the_date_of_a_reading():
    found = facts(
        measurements=[Measurement("weight_kg", 60.0, days_ago(9))], weight={"kg": "80"}, bp_reading_date="2026-11-20"
    )
    assert found.values["weight_kg"] == 60.0


@pytest.mark.parametrize(
    ("interviews", "highest"),
    [
        ([(0, 2.0)], 2.0),
        ([(20, 5.0), (0, 2.0)], 5.0),
        ([(20, 2.0), (0, 5.0)], 5.0),
        ([(30, 5.0), (0, 2.0)], 5.0),
        ([(31, 5.0), (0, 2.0)], 2.0),
    ],
)
def test_of_two_interviews_about_the_same_month_the_higher_stands(interviews, highest):
    assert (
        facts(measurements=[Measurement(CSSRS, level, days_ago(ago)) for ago, level in interviews]).values[CSSRS]
        == highest
    )


def test_other_findings_of_one_month_do_not_add_up():
    taken = [Measurement("alt_or_ast_times_upper_limit", level, days_ago(ago)) for ago, level in [(20, 4.0), (0, 1.0)]]
    assert facts(measurements=taken).values["alt_or_ast_times_upper_limit"] == 1.0


def test_a_medicine_list_of_rows_is_no_no_to_all_medicines():
    row = {"name": "metformin", "dose": "", "frequency": "", "last_taken": ""}
    assert facts(medicines={"none": False, "rows": [row]}).values["takes_no_medicines_confirmed"] == "no"
    assert facts(medicines={"none": True, "rows": []}).values["takes_no_medicines_confirmed"] == "yes"
