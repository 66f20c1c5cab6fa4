"""What a flag is put down to, over random expressions, against a second reading of three-valued logic."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from screening.engine import assess
from tests.screening.tiny import only, rule, rule_set

NAMES = ("a", "b", "c", "d")
YES, NO, UNKNOWN = True, False, None


def leaves(names):
    return st.builds(
        lambda name, operator, code: (operator, name, code),
        names,
        st.sampled_from(["==", "!="]),
        st.sampled_from(["yes", "no"]),
    )


def expressions():
    return st.recursive(
        leaves(st.sampled_from(NAMES)),
        lambda inner: st.one_of(
            st.tuples(st.just("not"), inner),
            st.tuples(st.sampled_from(["and", "or"]), inner, inner),
        ),
        max_leaves=6,
    )


def as_cel(node):
    match node:
        case ("not", inner):
            return f"!({as_cel(inner)})"
        case ("and" | "or" as word, left, right):
            return f"({as_cel(left)} {'&&' if word == 'and' else '||'} {as_cel(right)})"
        case (operator, name, code):
            return f'{name} {operator} "{code}"'


def truth(node, facts):
    """Kleene's strong three-valued logic, written down once more."""
    match node:
        case ("not", inner):
            value = truth(inner, facts)
            return None if value is None else not value
        case ("and" | "or" as word, left, right):
            values = {truth(left, facts), truth(right, facts)}
            decisive = word == "or"
            return decisive if decisive in values else None if None in values else not decisive
        case (operator, name, code):
            return None if name not in facts else (facts[name] == code) == (operator == "==")


partial_facts = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(["yes", "no", "not_applicable"]))


@settings(max_examples=300, deadline=None)
@given(expressions(), partial_facts)
def test_every_expression_reads_as_three_valued_logic(expression, facts):
    issue = only(rule_set(rule("random", given=as_cel(expression))), facts)
    expected = {True: "fired", False: None, None: "unresolved"}[truth(expression, facts)]
    assert (issue.status if issue else None) == expected


@settings(max_examples=300, deadline=None)
@given(expressions(), expressions(), partial_facts)
def test_a_fired_flag_is_put_down_to_the_smallest_facts_that_give_it(condition, band, facts):
    def outcome(known):
        stated, graver = truth(condition, known), truth(band, known)
        return stated is True and ("caution" if graver is False else "absolute", graver is None)

    bands = [{"tier": "absolute", "when": as_cel(band)}, {"tier": "caution", "when": "true"}]
    issue = only(rule_set(rule("random", given=as_cel(condition), bands=bands)), facts)
    if issue is None or issue.status != "fired":
        return
    assert outcome({name: facts[name] for name in issue.caused_by}) == outcome(facts)
    for smaller in itertools.combinations(facts, len(issue.caused_by) - 1 if issue.caused_by else 0):
        if len(smaller) < len(issue.caused_by):
            assert outcome({name: facts[name] for name in smaller}) != outcome(facts)


@st.composite
def read_once(draw):
    """Expressions in which every fact stands once, so that none contradicts itself."""
    nodes = [draw(leaves(st.just(name))) for name in draw(st.permutations(NAMES))]
    while len(nodes) > 1:
        word = draw(st.sampled_from(["and", "or"]))
        joined = (word, nodes.pop(), nodes.pop())
        nodes.append(("not", joined) if draw(st.booleans()) else joined)
    return nodes[0]


@settings(max_examples=200, deadline=None)
@given(read_once(), partial_facts)
def test_an_unresolved_flag_is_put_down_to_the_open_facts_that_settle_it(expression, facts):
    issue = only(rule_set(rule("random", given=as_cel(expression))), facts)
    if issue is None or issue.status != "unresolved":
        return
    assert issue.caused_by
    assert not set(issue.caused_by) & set(facts)
    for codes in itertools.product(["yes", "no", "another"], repeat=len(issue.caused_by)):
        settled = {**facts, **dict(zip(issue.caused_by, codes, strict=True))}
        assert truth(expression, settled) is not None
    for name in issue.caused_by:
        others = [other for other in NAMES if other not in facts and other != name]
        remaining = (
            dict(zip(others, codes, strict=True)) for codes in itertools.product(["yes", "no"], repeat=len(others))
        )
        assert any(truth(expression, {**facts, **known}) is None for known in remaining)


def test_a_worst_case_names_the_facts_that_led_to_it_and_not_those_that_are_missing():
    rules = rule_set(
        rule(
            "attempt",
            given='ever == "yes" || tried == "yes"',
            bands=[{"tier": "emergency", "when": "days <= LOW_MMHG"}],
        )
    )
    issue = only(rules, {"ever": "no", "tried": "yes"})
    assert (issue.caused_by, issue.settled_by) == (("tried",), ("days",))


def test_of_equally_small_causes_the_first_in_reading_order_is_named():
    rules = rule_set(rule("either", given='second == "yes" || first == "yes"'))
    assert only(rules, {"first": "yes", "second": "yes"}).caused_by == ("second",)


def test_a_rule_that_reads_many_facts_is_still_explained_by_few():
    names = [f"fact_{number}" for number in range(20)]
    rules = rule_set(rule("many", given=" || ".join(f'{name} == "yes"' for name in names)))
    facts = dict.fromkeys(names, "no") | {"fact_13": "yes"}
    assert assess(rules, facts).issues[0].caused_by == ("fact_13",)
