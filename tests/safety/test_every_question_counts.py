"""No clinical question is asked in vain: left open, it is listed; and the published facts alone are enough to be clear."""

import json

import pytest
from django.core.management import call_command

from screening.vocabulary import link_ids_of, states_a_fact
from tests.conftest import shipped_questionnaire, shipped_rule_set
from tests.safety.evidence import UNKNOWN, listed
from tests.safety.people import PUBLISHED

RULES = shipped_rule_set()
READ = frozenset(name for rule in RULES.rules for name in rule.reads(RULES.constants))


def test_every_clinical_question_is_read_by_a_rule():
    questionnaire = shipped_questionnaire()
    behind = {link_id for fact in READ for link_id in link_ids_of(fact, questionnaire)}
    clinical = {item.link_id for item in questionnaire.questions.values() if item.clinical}
    assert clinical - behind == set()


def test_every_fact_of_a_list_is_read_by_a_rule():
    options = [
        option.code
        for item in shipped_questionnaire().questions.values()
        if item.option_facts and item.clinical
        for option in filter(states_a_fact, item.options)
    ]
    assert set(options) - READ == set()


@pytest.mark.parametrize("fact", RULES.by_id["intake.history-open"].requires)
def test_an_open_question_of_no_other_rule_is_listed(fact):
    for unknown in UNKNOWN:
        assert listed({fact: unknown}) == {"intake.history-open": "ask"}


@pytest.mark.parametrize("verified", ["yes", "no"])
def test_somebody_with_nothing_to_flag_needs_no_more_than_the_published_facts(verified, tmp_path, capsys):
    path = tmp_path / "facts.json"
    path.write_text(json.dumps({**PUBLISHED, "identity_verified": verified}))
    call_command("screen", facts=str(path))
    (result,) = json.loads(capsys.readouterr().out)
    assert [issue["rule"] for issue in result["issues"]] == ([] if verified == "yes" else ["identity.unverified"])
