"""The hazard log: every hazard has a control, and every control a test that exists and is run."""

import ast

import pytest
import yaml

from tests.architecture.source import ROOT

HAZARDS = yaml.safe_load((ROOT / "docs" / "hazards.yaml").read_text(encoding="utf-8"))
ON_PURPOSE = ("skip", "skipif", "xfail")


def problems(hazards):
    """One sentence for each control whose test does not stand."""
    found = []
    for hazard in hazards:
        if not hazard["controls"]:
            found.append(f"{hazard['id']} has no control")
        for control in hazard["controls"]:
            found += [
                f"{hazard['id']}: {problem}" for node in control["tests"] or [""] if (problem := problem_of(node))
            ]
    return found


def problem_of(node):
    file, _colons, name = node.partition("::")
    path = ROOT / file
    if not name or not path.is_file():
        return f"{node or 'a control without a test'} does not exist"
    *classes, function = name.split("::")
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for outer in classes:
        body = next((part.body for part in body if isinstance(part, ast.ClassDef) and part.name == outer), [])
    test = next((part for part in body if isinstance(part, ast.FunctionDef) and part.name == function), None)
    if test is None:
        return f"{node} does not exist"
    marks = " ".join(ast.unparse(decorator) for decorator in test.decorator_list)
    return f"{node} is not run everywhere" if any(f"mark.{mark}" in marks for mark in ON_PURPOSE) else ""


def test_every_control_of_a_hazard_is_proved_by_a_test_that_is_run():
    assert problems(HAZARDS) == []


def test_every_hazard_says_what_it_is_and_has_a_number_of_its_own():
    assert len({hazard["id"] for hazard in HAZARDS}) == len(HAZARDS) >= 15
    for hazard in HAZARDS:
        assert hazard["hazard"].endswith(".")
        assert hazard["causes"]
        assert hazard["harm"] in ("death", "severe", "moderate", "minor"), hazard["id"]
        assert hazard["likelihood"] in ("rare", "unlikely", "possible"), hazard["id"]


@pytest.mark.parametrize(
    "control",
    [
        {"tests": []},
        {"tests": ["tests/architecture/test_hazards.py::test_that_nobody_wrote"]},
        {"tests": ["tests/nowhere.py::test_anything"]},
        {"tests": ["tests/architecture/test_hazards.py::TestNobody::test_anything"]},
    ],
)
def test_a_control_without_its_test_is_noticed(control):
    assert len(problems([{"id": "H-00", "controls": [control]}])) == 1


def test_a_hazard_without_a_control_is_noticed():
    assert problems([{"id": "H-00", "controls": []}]) == ["H-00 has no control"]
