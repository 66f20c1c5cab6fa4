"""docs/security.md: every requirement of the families it answers for, each with tests that exist and are run."""

import re

from tests.architecture.source import ROOT
from tests.architecture.test_hazards import problem_of

FAMILIES = {"AUTH": 7, "SES": 4, "RES": 6, "AZ": 9, "HDR": 4, "INJ": 6, "LEAK": 7, "CRY": 6, "AUD": 6, "DOS": 2}
WANTED = {f"{family}-{number:02}" for family, most in FAMILIES.items() for number in range(1, most + 1)}
WANTED |= {"INP-01", "OPS-01", "OPS-03"}
ROW = re.compile(r"^\| ([A-Z]+-\d\d) \| (G?) ?\| (.*) \| (.*) \|$", re.MULTILINE)
ROWS = ROW.findall((ROOT / "docs" / "security.md").read_text(encoding="utf-8"))
# What holds by there being nothing to test.
WITHOUT_A_TEST = {"INJ-04", "CRY-06"}


def named_tests(cell):
    return re.findall(r"`(tests/[^`]+)`", cell)


def test_every_requirement_stands_in_the_table_once():
    assert sorted(number for number, *_rest in ROWS) == sorted(WANTED)


def test_every_requirement_names_tests_that_exist_and_are_run():
    missing = [number for number, _gate, _how, tests in ROWS if not named_tests(tests) and number not in WITHOUT_A_TEST]
    assert missing == []
    assert [problem for *_row, tests in ROWS for node in named_tests(tests) if (problem := problem_of(node))] == []


def test_a_test_that_nobody_wrote_is_noticed():
    assert problem_of(named_tests("`tests/security/test_nothing.py::test_nobody`")[0])
