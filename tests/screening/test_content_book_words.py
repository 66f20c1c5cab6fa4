"""Conditions and examples in words say what the engine computes."""

import itertools

import pytest

from screening.content_book.conditions import asking_condition, rule_condition
from screening.content_book.content import Content
from screening.content_book.examples import differences, example_table, usual_facts
from screening.content_book.expressions import Always, Comparison, Every, Not, NotReadable, Some, Words, tree_of
from screening.rules import Expression
from tests.screening.edited_content import edited, question

UNKNOWN = None


@pytest.fixture(scope="module")
def shipped():
    return Content.from_folders()


def test_it_says_when_a_question_is_asked_with_any_and_with_all(shipped):
    changed = edited(shipped)
    asked = question(changed, "suicidal_thoughts_right_now")
    assert asked["enable_behavior"] == "any"
    node = asking_condition(changed.questionnaire.questions["suicidal_thoughts_right_now"], changed.names)
    assert (node.lead, len(node.parts)) == ("any of these", len(asked["enable_when"]))
    assert {part.says for part in node.parts} == {"Yes"}
    again = edited(changed)
    question(again, "suicidal_thoughts_right_now")["enable_behavior"] = "all"
    node = asking_condition(again.questionnaire.questions["suicidal_thoughts_right_now"], again.names)
    assert node.lead == "all of these"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ('aneurysm_or_avm == "yes"', "an aneurysm or AVM: Yes"),
        ('aneurysm_or_avm != "no"', "an aneurysm or AVM: anything but No"),
        ("systolic_mmhg >= BP_CRISIS_SYSTOLIC_MMHG", "blood pressure, top number: 180 mmHg or more"),
        ("BP_CRISIS_SYSTOLIC_MMHG > systolic_mmhg", "blood pressure, top number: less than 180 mmHg"),
        ("systolic_mmhg <= diastolic_mmhg", "blood pressure, top number: not above blood pressure, bottom number"),
        ('!(pregnant == "yes" || breastfeeding == "yes")', "none of these: (pregnant: Yes, breastfeeding: Yes)"),
        ("true", "always"),
        ("one + two", "one + two"),
    ],
)
def test_an_expression_is_said_in_words(shipped, source, words):
    summaries = {"whether you are pregnant": "pregnant", "whether you breastfeed or pump": "breastfeeding"}
    said = rule_condition(Expression(source), shipped.names).in_one_line
    for long, short in summaries.items():
        said = said.replace(long, short)
    assert said == words


def test_groups_keep_their_nesting_and_equal_groups_become_one():
    tree = tree_of('a == "yes" && (b == "no" || (c < LOW || d != "x")) || !(e == "yes")')
    inner = Some((tree_of('b == "no"'), tree_of("c < LOW"), tree_of('d != "x"')))
    assert tree == Some((Every((tree_of('a == "yes"'), inner)), Not(tree_of('e == "yes"'))))


@pytest.mark.parametrize(
    "source",
    ["", "a", '"yes"', "a ==", '== "yes"', '(a == "yes"', 'a == "yes")', 'a == "yes" b', "a + b", "!a", "f(a)",
     'a == "yes" == true', "(a == b) == c", "a[0] == b", 'a == "yes', "a && b", "a < 5", "a & b"],
)  # fmt: skip
def test_what_is_outside_the_subset_is_refused(source):
    with pytest.raises(NotReadable):
        tree_of(source)


def evaluated(tree, facts):
    """True, False or UNKNOWN, as CEL has it: an unbound fact is unknown unless the other side decides."""
    match tree:
        case Always(value):
            return value
        case Not(part):
            inner = evaluated(part, facts)
            return UNKNOWN if inner is UNKNOWN else not inner
        case Every(parts) | Some(parts):
            decides = isinstance(tree, Some)
            values = [evaluated(part, facts) for part in parts]
            return decides if decides in values else UNKNOWN if UNKNOWN in values else not decides
        case Comparison(left, operator, right):
            one, two = (
                operand.text if isinstance(operand, Words) else facts.get(operand.name) for operand in (left, right)
            )
            if one is UNKNOWN or two is UNKNOWN:
                return UNKNOWN
            if operator in ("==", "!="):
                return (one == two) is (operator == "==")
            return {"<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two}[operator]


def by_cel(expression, facts):
    try:
        return expression.program.execute(facts)
    except (RuntimeError, ValueError):
        return UNKNOWN


def test_the_words_of_every_shipped_expression_mean_what_the_engine_computes(shipped):
    rules = shipped.rule_set
    tried = 0
    for expression in {e for one in rules.rules for e in one.expressions}:
        names = [name for name in expression.variables if name not in rules.constants]
        values = [
            [UNKNOWN, *sorted({*expression.literals(name), "yes", "no", "not_applicable"})]
            if expression.literals(name)
            else [UNKNOWN, *sorted({v + d for v in rules.values.values() for d in (-0.5, 0.0, 0.5)})[::9]]
            for name in names
        ]
        for combination in itertools.islice(itertools.product(*values), 0, 4000, 7):
            facts = {n: v for n, v in zip(names, combination, strict=True) if v is not UNKNOWN} | rules.values
            assert evaluated(tree_of(expression.source), facts) == by_cel(expression, facts), (expression.source, facts)
            tried += 1
    assert tried > 1000


# Examples


def test_a_shortened_example_table_says_the_same_as_the_examples(shipped):
    for one in shipped.rule_set.rules:
        usual = usual_facts(one.examples)
        for example in one.examples:
            changed = differences(example.facts, usual)
            again = {name: value for name, value in {**usual, **changed}.items() if value != "open"}
            assert again == dict(example.facts), one.id


def test_a_row_joins_only_examples_with_the_same_result(shipped):
    for one in shipped.rule_set.rules:
        rows = example_table(one, shipped.names).rows
        joined = sum(max([len(fact.values) for fact in row.facts], default=1) for row in rows)
        assert joined == len(one.examples), one.id
