"""Rules broken on purpose: every slip is noticed by an example or a vignette, and the page in docs says how many."""

from functools import cache

import pytest

from clinic_site.publishing.documents import ContentError
from screening.engine import bind, evaluate
from screening.rules import Expression
from screening.safety.equivalents import out_of_date, read_equivalents, survivors
from screening.safety.expressions import NotUnderstood, Slips, parse
from screening.safety.killing import verdicts
from screening.safety.mutants import mutants_of
from screening.safety.report import PAGE, SafetyReport, on_page, put_on_page, table
from screening.safety.vignettes import SHIPPED
from tests.conftest import shipped_questionnaire, shipped_rule_set
from tests.safety.people import NOTHING_TO_FLAG, bound_facts, known

RULES = shipped_rule_set()
SLIPS = Slips(constants={"LIMIT": 180.0}, steps={"LIMIT": 1.0}, codes={"seizure_ever": frozenset({"yes", "no"})})


@cache
def report():
    return SafetyReport.of(shipped_questionnaire(), RULES, SHIPPED, read_equivalents())


def test_every_broken_rule_is_noticed():
    assert survivors(report().verdicts, report().equivalents) == []


def test_what_is_said_to_be_the_same_rule_is_noticed_by_nothing():
    assert out_of_date(report().verdicts, report().equivalents) == []


def test_every_threshold_moved_by_one_step_fails_a_vignette():
    assert report().unnoticed_thresholds == []


def test_the_page_in_docs_holds_the_figures_of_the_command():
    assert on_page(PAGE.read_text()) == report().text(), "run ./run manage safety_report --page"


def test_the_proof_stands():
    assert report().problems() == []


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_an_expression_read_as_a_tree_says_the_same(rule):
    people = [{}, NOTHING_TO_FLAG, *(example.facts for example in rule.examples)]
    for expression in rule.expressions:
        again = Expression(str(parse(expression.source)))
        for person in people:
            context = bind(RULES, bound_facts(person))
            assert evaluate(again, context) is evaluate(expression, context), (again.source, person)


@pytest.mark.parametrize("rule", RULES.rules, ids=lambda rule: rule.id)
def test_every_broken_rule_has_a_name_of_its_own_and_can_be_evaluated(rule):
    mutants = mutants_of(rule, RULES, known())
    assert len({str(mutant) for mutant in mutants}) == len(mutants)
    assert [
        e.source for m in mutants for e in m.rule.expressions if e.problem() and "bare number" not in e.problem()
    ] == []


@pytest.mark.parametrize(
    ("source", "slips"),
    [
        ('seizure_ever == "yes"', {'seizure_ever != "yes"', 'seizure_ever == "no"'}),
        ("x >= LIMIT", {"x > LIMIT", "x < LIMIT", "x <= LIMIT", "x >= 179.0", "x >= 181.0"}),
        ("true", {"false"}),
        ("a == b || c == d", {"a != b || c == d", "a == b || c != d", "a == b", "c == d", "a == b && c == d", "!(a == b || c == d)"}),
        ("!(a == b)", {"a == b", "!(a != b)"}),
    ],
)  # fmt: skip
def test_every_small_way_of_getting_an_expression_wrong(source, slips):
    assert {str(tree) for _kind, _what, tree in SLIPS.of(parse(source))} == slips


def test_a_connective_is_flipped_at_each_place_of_a_longer_chain():
    flipped = [str(tree) for kind, _what, tree in SLIPS.of(parse("a == b && c == d && e == f")) if kind == "connective"]
    assert flipped == ["a == b || (c == d && e == f)", "(a == b && c == d) || e == f"]


@pytest.mark.parametrize("source", ["a + b", "a == 5", "(a == b", "a == b c", "&& a", "a ==", ""])
def test_what_rules_can_not_say_is_refused(source):
    with pytest.raises(NotUnderstood):
        parse(source)


def test_a_rule_that_clears_whom_it_should_flag_is_noticed_by_its_examples_alone():
    by_example = {str(v.mutant) for v in verdicts(shipped_questionnaire(), RULES, []) if v.by_example}
    assert 'cardiovascular.aneurysm-avm: given: aneurysm_or_avm == "yes" -> "no"' in by_example


def test_an_explanation_without_a_reason_is_refused(tmp_path):
    (tmp_path / "same.yaml").write_text("- {rule: age.out-of-range, slips: [anything]}")
    with pytest.raises(ContentError, match="same.yaml: entry 1: add 'reason'"):
        read_equivalents(tmp_path / "same.yaml")


def test_an_explanation_of_what_is_noticed_is_out_of_date():
    broken = 'cardiovascular.aneurysm-avm: given: aneurysm_or_avm == "yes" -> "no"'
    assert out_of_date(report().verdicts, [broken, "no.such: rule"]) == [broken, "no.such: rule"]


def test_a_table_lines_up():
    assert table([["name", "count"], ["a", "10"]]) == "| name | count |\n| ---- | ----: |\n| a    |    10 |"


def test_figures_are_put_between_the_markers_again_and_again():
    begins, ends = "<!-- written by manage.py safety_report --page -->\n", "<!-- end of what is written -->\n"
    page = put_on_page(f"# Safety\n\n{begins}{ends}\nThe end.\n", "figures\n")
    assert page == f"# Safety\n\n{begins}\nfigures\n\n{ends}\nThe end.\n"
    assert put_on_page(page, on_page(page)) == page


def test_a_page_without_a_place_for_the_figures_is_refused():
    with pytest.raises(ValueError, match="no place for the figures"):
        put_on_page("# Safety\n", "figures")
