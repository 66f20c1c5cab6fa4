"""`check_content` over copies of the shipped documents, each with one mistake."""

import shutil
from functools import cache

import pytest
import yaml
from django.core.management import CommandError, call_command

from clinic_site.publishing.documents import ContentError, parse_source, read_source
from intake import questionnaire_reader
from screening import rules
from screening.content_checks import content_problems, run
from screening.rules import RuleSet, file_of_rule
from screening.shipped import checked_content
from screening.vocabulary import vocabulary
from tests.conftest import shipped_questionnaire, shipped_rule_set
from tests.safety.people import NOTHING_TO_FLAG, flags
from tests.screening.tiny import rule


@pytest.fixture
def folders(tmp_path):
    """Copies of the two content folders: (questionnaire, rules)."""
    return (
        shutil.copytree(questionnaire_reader.SHIPPED, tmp_path / "questionnaire"),
        shutil.copytree(rules.SHIPPED, tmp_path / "rules"),
    )


def problems(folders):
    """Every problem as the sentence a person reads."""
    try:
        checked_content(*folders)
    except ContentError as error:
        return [str(problem) for problem in error.problems]
    return []


def new_entry(**values):
    """One more rule about an aneurysm, with `values` over it; None leaves a key out."""
    sound = {
        "given": 'aneurysm_or_avm == "yes"',
        "bands": [{"tier": "relative", "when": "true"}],
        "sources": ["POLICY"],
        "examples": [{"facts": {"aneurysm_or_avm": "yes"}, "expect": "relative"}],
    }
    return {key: value for key, value in rule("tests.extra", **{**sound, **values}).items() if value is not None}


def new_rule(folders, **values):
    (folders[1] / "extra.yaml").write_text(yaml.safe_dump([new_entry(**values)]))


@cache
def shipped_tree():
    return parse_source(read_source(rules.SHIPPED))


def problems_with(entry):
    """The problems of the shipped rules with one more entry, which is much faster than reading a copy of the folder."""
    tree = {**shipped_tree(), "extra.yaml": [entry]}
    try:
        rule_set = RuleSet.from_tree(tree)
    except ContentError as error:
        return [str(problem) for problem in error.problems]
    return [str(problem) for problem in content_problems(shipped_questionnaire(), rule_set, file_of_rule(tree))]


def append(folder, name, text):
    path = folder / name
    path.write_text(path.read_text() + text)


def test_the_shipped_content_is_clean(capsys):
    call_command("check_content")
    assert capsys.readouterr().out.startswith("Clean: ")


@pytest.mark.parametrize("rule_id", sorted(shipped_rule_set().by_id))
def test_every_example_of_every_shipped_rule_holds(rule_id):
    for example in shipped_rule_set().by_id[rule_id].examples:
        listed = flags(example.facts).get(rule_id)
        words = example.expect
        if words in ("clear", "covered", "yields"):
            assert listed is None, example
        else:
            assert listed is not None, example
            hold = words.removesuffix(" (worst case)") in ("hold", "fired hold")
            tier = "info" if hold or words == "ask" else words.removeprefix("unresolved ").removesuffix(" (worst case)")
            unresolved = words in ("hold", "ask") or words.startswith("unresolved ")
            assert (listed.tier, listed.hold, listed.status) == (tier, hold, "unresolved" if unresolved else "fired")
            assert listed.worst_case_assumed == words.endswith("(worst case)"), example


@pytest.mark.parametrize("rule_id", sorted(shipped_rule_set().by_id))
def test_every_shipped_rule_has_examples_that_fire_stay_open_and_clear(rule_id):
    words = {example.expect for example in shipped_rule_set().by_id[rule_id].examples}
    opened = {"ask", "hold", "covered", "yields"} | {word for word in words if word.startswith("unresolved ")}
    assert "clear" in words
    assert words & opened
    assert words - opened - {"clear"} or not shipped_rule_set().by_id[rule_id].bands


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"given": 'aneurism == "yes"'}, "reads 'aneurism', which no question asks"),
        ({"requires": ["aneurism"]}, "reads 'aneurism', which no question asks"),
        ({"given": "aneurysm_or_avm == yes"}, "compare it with one of its codes in double quotes"),
        ({"given": "aneurysm_or_avm"}, "compare it with one of its codes in double quotes"),
        ({"given": 'aneurysm_or_avm == "Yes"'}, "but its codes are no, not_applicable, yes"),
        ({"given": '"Yes" == aneurysm_or_avm || aneurysm_or_avm == "yes"'}, "but its codes are"),
        ({"given": 'systolic_mmhg == "high"'}, "'systolic_mmhg' is a number and is compared with text"),
        ({"given": 'systolic_mmhg >= "180"'}, "'systolic_mmhg' is a number and is compared with text"),
        ({"given": '"180" <= systolic_mmhg'}, "'systolic_mmhg' is a number and is compared with text"),
        ({"given": 'medicines_as_typed == "Nardil"'}, "reads the list 'medicines_as_typed'"),
        ({"given": "systolic_mmhg >= 180"}, "holds the bare number 180"),
        ({"given": "systolic_mmhg >= VERY_HIGH_MMHG"}, "reads the constant 'VERY_HIGH_MMHG'"),
        ({"given": '[aneurysm_or_avm].exists(x, x == "yes")'}, "lists and list macros lose a known yes"),
        ({"given": 'aneurysm_or_avm in ["yes"]'}, "lists and list macros lose a known yes"),
        ({"given": 'aneurysm_or_avm.startsWith("y")'}, "uses something that rules may not"),
        ({"given": 'aneurysm_or_avm == "yes" ? true : false'}, "uses something that rules may not"),
        ({"given": 'aneurysm_or_avm >= "yes"'}, "compare it with one of its codes in double quotes"),
        ({"given": 'aneurysm_or_avm == "yes" &&'}, "is not valid CEL"),
        ({"bands": [{"tier": "relative", "when": 'aneurism == "yes"'}]}, "reads 'aneurism'"),
        ({"bands": [{"tier": "severe", "when": "true"}]}, "'tier: severe' is not known"),
        ({"bands": [{"tier": "relative", "when": "true", "hold": True}]}, "write 'tier: info'"),
        (
            {"bands": [{"tier": "caution", "when": "true"}, {"tier": "absolute", "when": "true"}]},
            "must stand from the most severe to the least",
        ),
        ({"unknown": "clear"}, "'unknown: clear' is not known"),
        ({"unknown": None}, "add 'unknown'"),
        ({"sources": ["NO-SUCH-SOURCE"]}, "names the source 'NO-SUCH-SOURCE'"),
        ({"sources": None}, "add 'sources'"),
        ({"review_by": "next year"}, "'review_by' must be a date"),
        ({"yields_to": ["no.such-rule"]}, "names the rule 'no.such-rule', which does not exist"),
        ({"unknown": {"covered_by": ["no.such-rule"]}}, "names the rule 'no.such-rule', which does not exist"),
        ({"yields_to": ["tests.extra"]}, "lead in a circle back to this rule"),
        ({"give": "true"}, "did you mean 'given'?"),
        ({"id": "cardiovascular.aneurysm-avm"}, "this id is used twice"),
        ({"title": {"de": "Aneurysma"}}, "'title' has no text in 'en'"),
        ({"bands": None, "given": None}, "add 'bands' (how severe) or 'requires'"),
    ],
)
def test_a_mistake_in_a_rule_is_named_with_its_file_and_entry(values, message):
    found = [problem for problem in problems_with(new_entry(**values)) if message in problem]
    assert found
    assert found[0].startswith(f"extra.yaml: {values.get('id', 'tests.extra')}")


def test_an_example_that_does_not_hold_is_named_with_what_the_rules_give():
    examples = [
        {"facts": {"aneurysm_or_avm": "yes"}, "expect": "absolute"},
        {"facts": {}, "expect": "clear"},
        {"facts": {"aneurysm_or_avm": "no"}, "expect": "clear"},
        {"facts": {"aneurism": "yes"}, "expect": "clear"},
    ]
    assert problems_with(new_entry(examples=examples)) == [
        "extra.yaml: tests.extra: example 1: expected 'absolute', but the rules give 'relative'",
        "extra.yaml: tests.extra: example 2: expected 'clear', but the rules give 'hold'",
        "extra.yaml: tests.extra: example 4: unknown fact name: aneurism",
    ]


def test_two_rules_that_yield_to_each_other_are_refused(folders):
    new_rule(folders, yields_to=["bipolar.history"])
    path = folders[1] / "psychiatric.yaml"
    path.write_text(path.read_text().replace("yields_to: [mania.current]", "yields_to: [tests.extra]"))
    found = problems(folders)
    assert {problem.split(": ")[1] for problem in found if "circle" in problem} == {"tests.extra", "bipolar.history"}


def test_covered_by_a_rule_that_does_not_cover_is_refused():
    (problem,) = problems_with(new_entry(unknown={"covered_by": ["psychosis.current"]}))
    assert problem.startswith("extra.yaml: tests.extra: 'covered_by' does not cover: with ")
    assert "psychosis_symptoms_past_month=no" in problem


def test_a_mistake_in_a_constant_names_the_header(folders):
    append(folders[1], "rule_set.yaml", "  BAD: {title: A text, evidence: hearsay}\n")
    assert any(
        problem.startswith("rule_set.yaml: BAD: 'evidence: hearsay' is not known") for problem in problems(folders)
    )


def test_several_mistakes_in_both_documents_are_told_at_once(folders):
    new_rule(folders, given="systolic_mmhg >= 180", sources=["NO-SUCH-SOURCE"])
    append(folders[0], "11-reproductive.yaml", "\n  - link_id: extra\n    type: choise\n    text: {en: Extra?}\n")
    found = "\n".join(problems(folders))
    assert "bare number 180" in found
    assert "NO-SUCH-SOURCE" in found
    assert "'type: choise' is not known: did you mean 'choice'?" in found


QUESTION = """
  - link_id: {link_id}
    type: choice
    options: yes-no
    sensitive: true
    why: {{en: "So that we know."}}
    text: {{en: "Is there anything extra?"}}
"""


@pytest.mark.parametrize(
    "conditions",
    [
        ['{question: pregnant, operator: "=", answer: "yes"}', '{question: pregnant, operator: "=", answer: "no"}'],
        ['{question: pregnant, operator: "=", answer: "yes"}', '{question: pregnant, operator: "!=", answer: "yes"}'],
        [
            '{question: can_become_pregnant, operator: "=", answer: "no"}',
            '{question: uses_effective_contraception, operator: "=", answer: "yes"}',
        ],
    ],
    ids=["two codes", "a code and not that code", "through a gate of the gate"],
)
def test_a_question_that_is_never_asked_is_refused(folders, conditions):
    gates = "".join(f"      - {condition}\n" for condition in conditions)
    text = QUESTION.format(link_id="never_asked") + "    enable_behavior: all\n    enable_when:\n" + gates
    append(folders[0], "11-reproductive.yaml", text)
    found = problems(folders)
    assert len(found) == 1
    assert "never_asked: is never asked" in found[0]


def test_the_command_tells_every_problem_and_fails(monkeypatch, folders):
    new_rule(folders, sources=["NO-SUCH-SOURCE"])
    monkeypatch.setattr(
        "screening.management.commands.check_content.checked_content", lambda: checked_content(*folders)
    )
    with pytest.raises(
        CommandError, match="extra.yaml: tests.extra: names the source 'NO-SUCH-SOURCE'.*\n1 problem found"
    ):
        call_command("check_content")


RULE = """
- id: tests.loud-noises
  title: {en: Loud noises}
  category: neurological
  given: hears_loud_noises == "yes"
  bands:
    - {tier: caution, when: "true"}
  unknown: ask
  next_step: {en: "Ask when and where."}
  sources: [POLICY]
  owner: medical-director
  review_by: 2027-11-01
  examples:
    - {facts: {hears_loud_noises: "yes"}, expect: caution}
    - {facts: {hears_loud_noises: "no"}, expect: clear}
    - {facts: {hears_loud_noises: not_sure}, expect: ask}
"""


def test_a_yes_no_question_and_its_rule_are_one_entry_in_each_of_two_files(folders):
    append(folders[0], "11-reproductive.yaml", QUESTION.format(link_id="hears_loud_noises"))
    append(folders[1], "neurological.yaml", RULE)
    questionnaire, rule_set = checked_content(*folders)
    known = vocabulary(questionnaire, rule_set.lexicon)

    def listed(answer):
        person = {**NOTHING_TO_FLAG, "hears_loud_noises": answer}
        return [(issue.rule, issue.tier) for issue in run(rule_set, person, questionnaire, known)[0].issues]

    assert listed("yes") == [("tests.loud-noises", "caution")]
    assert listed("no") == []
    assert listed("skipped") == [("tests.loud-noises", "info")]
