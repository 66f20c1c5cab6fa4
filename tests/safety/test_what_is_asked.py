"""Whatever was answered, changed and saved: the same is asked after loading, and nothing stale reaches a rule."""

import json
from random import Random

import pytest

from intake.answers import AnswerDocument
from intake.branching import retire_unasked, what_is_asked
from intake.completeness import asked_pages
from intake.truth import Truth
from screening.vocabulary import NOT_APPLICABLE
from tests.safety.generated import (
    NOW,
    QUESTIONNAIRE,
    WITHOUT_ANSWER,
    an_answer,
    budget,
    facts_of,
    leave_out,
    random_document,
    random_value,
)

AT = NOW.isoformat()
GATES = sorted(
    {condition.question for page in QUESTIONNAIRE.pages for condition in page.item.enable_when}
    & QUESTIONNAIRE.questions.keys()
)


def loaded(document):
    return AnswerDocument.from_json(json.loads(json.dumps(document.to_json())))


def step(document, chance):
    """Somebody answers, changes or empties one question that they are asked; gates more often than others."""
    items = [item for page in asked_pages(QUESTIONNAIRE, document) for item in page.questions]
    gates = [item for item in items if item.link_id in GATES]
    item = chance.choice(gates if gates and chance.random() < 0.6 else items)
    state = chance.choice(WITHOUT_ANSWER[:-1])
    if chance.random() < 0.25:
        leave_out(document, item.link_id, state)
    else:
        document.put(an_answer(item.link_id, random_value(item, chance)))
    retire_unasked(QUESTIONNAIRE, document, at=AT)


def said_again(document, link_id):
    """ "yes" where the same was asked a second time elsewhere and answered yes: that counts, whatever the first one was."""
    again = [item.link_id for item in QUESTIONNAIRE.questions.values() if item.asks_again == link_id]
    return "yes" if any(document.value(other) == "yes" for other in again) else NOT_APPLICABLE


def check_nothing_stale(document):
    """Behind a gate that is a definite no there is no answer, and the facts say "not applicable" or nothing."""
    asked, facts = what_is_asked(QUESTIONNAIRE, document), facts_of(document)
    for page in QUESTIONNAIRE.pages:
        if asked[page.number] is Truth.FALSE:
            for item in page.questions:
                assert document.get(item.link_id) is None
                possible = (NOT_APPLICABLE, said_again(document, item.link_id))
                assert facts.values.get(item.link_id, NOT_APPLICABLE) in possible


@pytest.mark.parametrize("block", range(4))
def test_saved_and_loaded_after_every_step_the_same_is_asked_and_known(block):
    for number in range(budget(3, 1_000)):
        seed = f"steps {block} {number}"
        chance, again = Random(seed), Random(seed)
        kept, saved = AnswerDocument(), AnswerDocument()
        for turn in range(60):
            step(kept, chance)
            step(saved, again)
            saved = loaded(saved)
            assert saved == kept, (seed, turn)
            assert what_is_asked(QUESTIONNAIRE, saved) == what_is_asked(QUESTIONNAIRE, kept), (seed, turn)
            check_nothing_stale(saved)
        assert facts_of(saved) == facts_of(kept), seed


def test_whatever_order_the_answers_stand_in_the_same_is_asked():
    for number in range(budget(20, 5_000)):
        seed = f"asked {number}"
        chance = Random(seed)
        document = random_document(chance, unknown=0.2)
        answers = list(document.answers.items())
        chance.shuffle(answers)
        assert what_is_asked(QUESTIONNAIRE, AnswerDocument(dict(answers))) == what_is_asked(QUESTIONNAIRE, document), (
            seed
        )


def test_answers_left_behind_a_closed_gate_change_no_fact():
    for number in range(budget(30, 20_000)):
        seed = f"stale {number}"
        chance = Random(seed)
        document = random_document(chance, unknown=0.2)
        stale = document.copy()
        asked = what_is_asked(QUESTIONNAIRE, document)
        for page in QUESTIONNAIRE.pages:
            if asked[page.number] is Truth.FALSE:
                for item in page.questions:
                    stale.put(an_answer(item.link_id, random_value(item, chance)))
        assert what_is_asked(QUESTIONNAIRE, stale) == asked, seed
        assert facts_of(stale) == facts_of(document), seed
        retire_unasked(QUESTIONNAIRE, stale, at=AT)
        assert stale.answers == document.answers, seed


def test_a_gate_that_opens_again_does_not_bring_back_what_was_answered_behind_it():
    reopened = 0
    for number in range(budget(40, 10_000)):
        seed = f"reopened {number}"
        chance = Random(seed)
        document = random_document(chance, unknown=0.2)
        before = dict(document.answers)
        gate = chance.choice([link_id for link_id in GATES if link_id in before] or GATES[:1])
        document.put(an_answer(gate, random_value(QUESTIONNAIRE.questions[gate], chance)))
        retire_unasked(QUESTIONNAIRE, document, at=AT)
        retired = set(before) - set(document.answers)
        if gate in before:
            document.put(before[gate])
        retire_unasked(QUESTIONNAIRE, document, at=AT)
        facts = facts_of(document)
        for link_id in retired:
            assert document.get(link_id) is None, (seed, link_id)
            possible = (NOT_APPLICABLE, said_again(document, link_id))
            assert facts.values.get(link_id, NOT_APPLICABLE) in possible, (seed, link_id)
            assert document.changes(link_id)[-1].value == before[link_id].value, (seed, link_id)
        reopened += bool(retired)
    assert reopened


def test_an_answer_that_no_condition_looks_at_changes_nothing_that_is_asked():
    """A saved page that closes no other is not searched for pages it closed: this is why nothing is missed."""
    others = [item for item in QUESTIONNAIRE.questions.values() if item.link_id not in QUESTIONNAIRE.gating]
    assert others
    assert QUESTIONNAIRE.gating >= set(GATES)
    for number in range(budget(20, 10_000)):
        seed = f"other {number}"
        chance = Random(seed)
        document = random_document(chance, unknown=0.2)
        asked = what_is_asked(QUESTIONNAIRE, document)
        for item in others:
            if chance.random() < 0.3:
                leave_out(document, item.link_id, chance.choice(WITHOUT_ANSWER))
            else:
                document.put(an_answer(item.link_id, random_value(item, chance)))
        assert what_is_asked(QUESTIONNAIRE, document) == asked, seed


def test_a_page_is_retired_alike_with_and_without_knowing_what_was_saved():
    for number in range(budget(20, 5_000)):
        seed = f"saved {number}"
        chance = Random(seed)
        document = random_document(chance, unknown=0.2)
        page = chance.choice(QUESTIONNAIRE.pages)
        for item in page.questions:
            document.put(an_answer(item.link_id, random_value(item, chance)))
        told, untold = document.copy(), document.copy()
        asked = retire_unasked(QUESTIONNAIRE, told, at=AT, saved=page)
        assert dict(retire_unasked(QUESTIONNAIRE, untold, at=AT)) == {
            p.number: asked[p.number] for p in QUESTIONNAIRE.pages
        }
        assert told == untold, seed
