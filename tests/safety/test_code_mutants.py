"""What a slip in the program has to get past, beside the tests of its own module: a few labelled people, because mutmut starts
this module hundreds of times, and what a result looks like from outside."""

import pytest

from screening.engine import assess
from screening.safety.vignettes import read_vignettes, run_vignette
from tests.conftest import shipped_questionnaire, shipped_rule_set
from tests.safety import code_mutants
from tests.screening import tiny

PEOPLE = read_vignettes(shipped_questionnaire(), shipped_rule_set())
# The examples show each part of a vignette once; the whole people answer much at a time.
CHOSEN = [
    *(vignette for vignette in PEOPLE if vignette.theme == "examples"),
    *[vignette for vignette in PEOPLE if vignette.theme.startswith("whole-people")][::4],
]


@pytest.mark.parametrize("vignette", CHOSEN, ids=lambda vignette: vignette.id)
def test_a_chosen_person_has_every_expected_flag_and_no_other(vignette):
    assert run_vignette(vignette, shipped_questionnaire(), shipped_rule_set()).report() == ""


def test_the_published_shape_of_a_result():
    rules = tiny.rule_set(
        tiny.rule("tiny.fired", given='a == "yes"', bands=[{"tier": "relative", "when": 'b == "yes"'}]),
        tiny.rule("tiny.open", given='c == "yes"', unknown="hold", sources=["TEXT", "OTHER"]),
    )
    assert assess(rules, {"a": "yes"}).to_json() == {
        "rule_set": {"id": "tiny", "version": "1", "sha256": rules.sha256},
        "highest_tier": "relative",
        "issues": [
            {
                "rule": "tiny.fired",
                "tier": "relative",
                "status": "fired",
                "hold": False,
                "worst_case_assumed": True,
                "caused_by": ["a"],
                "sources": ["TEXT"],
            },
            {
                "rule": "tiny.open",
                "tier": "info",
                "status": "unresolved",
                "hold": True,
                "worst_case_assumed": False,
                "caused_by": ["c"],
                "sources": ["TEXT", "OTHER"],
            },
        ],
    }


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("screening.engine.x_assess__mutmut_3", "screening.engine.assess"),
        ("screening.engine.x__issue__mutmut_12", "screening.engine._issue"),
        ("screening.facts.xǁ_ResponseReaderǁagain__mutmut_1", "screening.facts._ResponseReader.again"),
    ],
)
def test_a_slip_is_named_by_its_function(name, function):
    assert code_mutants.function_of(name) == function


def test_a_slip_is_told_by_the_lines_that_differ():
    diff = "--- a\n+++ b\n@@ -1,3 +1,3 @@\n def f(x):\n-    return x > 1\n+    return x >= 1\n"
    assert code_mutants.slip(diff) == "return x > 1 => return x >= 1"


def test_every_explained_slip_names_a_function_that_is_broken_on_purpose():
    functions = {name.split(": ")[0] for name in code_mutants.explained()}
    broken = ("screening.engine.", "screening.facts.", "intake.scores.", "intake.branching.")
    assert [name for name in functions if not name.startswith(broken)] == []
