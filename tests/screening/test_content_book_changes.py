"""What the content book says has changed since an earlier version."""

import pytest

from clinic_site.publishing.documents import canonical_form
from clinic_site.publishing.services import publish_version
from intake.models import QuestionnaireVersion
from screening.content_book.book import book_html
from screening.content_book.changes import changes
from screening.content_book.content import Content
from screening.content_book.earlier import Earlier, NotFound, from_database, from_folder
from screening.models import RuleSetVersion
from tests.screening.edited_content import edited, header, question, rule
from tests.screening.pages import Page


@pytest.fixture(scope="module")
def shipped():
    return Content.from_folders()


def groups(before, now):
    return {group.title: group for group in changes(before, now)}


def only_change(group):
    (changed,) = group.changed
    return changed.card.name, {d.label: (d.before, d.now) for d in changed.differences}


def test_a_reworded_question_stands_old_beside_new_and_nothing_else_does(shipped):
    now = edited(shipped)
    old = question(now, "aneurysm_or_avm")["text"]["en"]
    question(now, "aneurysm_or_avm")["text"]["en"] = "Do you have an aneurysm?"
    found = groups(shipped, now)
    assert set(found) == {"Questions and texts"}
    assert only_change(found["Questions and texts"]) == (
        "aneurysm_or_avm",
        {"Question": ((old,), ("Do you have an aneurysm?",))},
    )
    html = book_html(now, Earlier(shipped, "an earlier version"))
    assert f"<p>{old}</p>" in html or old in Page(html).text


def test_a_new_short_name_of_a_question_is_no_change_of_the_rules_that_read_it(shipped):
    now = edited(shipped)
    question(now, "aneurysm_or_avm")["summary"]["en"] = "a weak vessel"
    found = groups(shipped, now)
    assert set(found) == {"Questions and texts"}
    assert set(only_change(found["Questions and texts"])[1]) == {"Short name"}


def test_a_moved_threshold_is_said_with_both_values_and_its_unit(shipped):
    now = edited(shipped)
    header(now)["constants"]["BP_CRISIS_SYSTOLIC_MMHG"]["value"] = 190
    found = groups(shipped, now)
    assert set(found) == {"Thresholds"}
    assert only_change(found["Thresholds"]) == ("BP_CRISIS_SYSTOLIC_MMHG", {"Value": (("180 mmHg",), ("190 mmHg",))})


def test_a_removed_rule_and_an_added_question_are_named(shipped):
    now = edited(shipped)
    now.rules_tree["administrative.yaml"] = [
        r for r in now.rules_tree["administrative.yaml"] if r["id"] != "logistics.escort-and-home"
    ]
    new = {**question(now, "aneurysm_or_avm"), "link_id": "a_new_question", "text": {"en": "Is this new?"}}
    items = next(
        f["items"]
        for f in now.questionnaire_tree.values()
        if any(i["link_id"] == "aneurysm_or_avm" for i in f.get("items", []))
    )
    items.append(new)
    found = groups(shipped, now)
    assert [card.name for card in found["Rules"].removed] == ["logistics.escort-and-home"]
    assert [card.name for card in found["Questions and texts"].added] == ["a_new_question"]
    text = Page(book_html(now, Earlier(shipped, "an earlier version"))).text
    assert "Is this new?" in text
    assert rule(shipped, "logistics.escort-and-home")["title"]["en"] in text


def test_branching_bands_policy_and_conditions_are_compared(shipped):
    now = edited(shipped)
    question(now, "suicidal_thoughts_right_now")["enable_behavior"] = "all"
    one = rule(now, "cardiovascular.aneurysm-avm")
    one["given"], one["unknown"] = 'aneurysm_or_avm != "no"', "ask"
    one["bands"][0]["tier"] = "relative"
    found = groups(shipped, now)
    assert "AND" in only_change(found["Questions and texts"])[1]["Asked when"][1][0]
    differences_of_rule = only_change(found["Rules"])[1]
    assert set(differences_of_rule) == {"When", "Then", "If open", "As written"}
    assert differences_of_rule["When"][1] == ("an aneurysm or AVM: anything but No",)


def test_medicines_added_removed_and_reclassed_are_said(shipped):
    now = edited(shipped)
    listed = now.rules_tree["medicines.yaml"]["medicines"]
    gone = listed.pop()
    listed.append({"name": "novelin", "classes": ["maoi"]})
    listed[0]["classes"] = ["antidepressant"]
    medicines = groups(shipped, now)["Medicines"]
    assert [card.name for card in medicines.added] == ["novelin"]
    assert [card.name for card in medicines.removed] == [gone["name"]]
    assert set(only_change(medicines)[1]) == {"Classes"}


def test_the_same_content_is_said_to_be_the_same(shipped):
    assert "the content is the same, word for word" in Page(book_html(shipped, Earlier(shipped, "version 1"))).text
    assert changes(shipped, Content.from_folders()) == []


def test_a_folder_of_an_earlier_checkout_is_compared(shipped, tmp_path):
    copied(shipped, tmp_path)
    assert canonical_form(from_folder(tmp_path).content.rules_tree) == canonical_form(shipped.rules_tree)
    with pytest.raises(NotFound, match="holds no content"):
        from_folder(tmp_path / "rules")


def test_an_earlier_version_that_can_not_be_read_is_said_to_be_so(shipped, tmp_path):
    copied(shipped, tmp_path)
    (tmp_path / "rules" / "rule_set.yaml").write_text("rule_set: old\n")
    earlier = from_folder(tmp_path)
    assert earlier.content is None
    assert "can not be read by this program" in Page(book_html(shipped, earlier)).text


def copied(content, folder):
    for name, tree in (("questionnaire", content.questionnaire_tree), ("rules", content.rules_tree)):
        (folder / name).mkdir()
        for file, values in tree.items():
            (folder / name / file).write_text(canonical_form(values))


def publish(content):
    for model, document, tree in (
        (QuestionnaireVersion, content.questionnaire, content.questionnaire_tree),
        (RuleSetVersion, content.rule_set, content.rules_tree),
    ):
        publish_version(model, document_id=document.document_id, label=document.version, source={}, tree=tree)


@pytest.mark.django_db
def test_what_is_published_is_compared_and_once_this_is_published_what_was_before(shipped):
    assert from_database(shipped).content is None
    older = edited(shipped)
    older.questionnaire_tree["questionnaire.yaml"]["version"] = "1"
    header(older)["version"] = "1"
    header(older)["constants"]["BP_CRISIS_SYSTOLIC_MMHG"]["value"] = 170
    publish(older)
    for _once in ("not yet published", "published"):
        earlier = from_database(shipped)
        assert "version 1" in earlier.words
        assert "Thresholds" in groups(earlier.content, shipped)
        publish(shipped)
    assert "version 1" in from_database(shipped, "1").words
    with pytest.raises(NotFound, match="no document was published as version 7"):
        from_database(shipped, "7")


def test_of_many_changed_examples_only_those_with_another_result_are_listed(shipped):
    now = edited(shipped)
    examples = rule(now, "intake.incomplete")["examples"]
    assert len(examples) > 10
    for example in examples:
        example["facts"]["aneurysm_or_avm"] = "no"
    examples[0]["facts"].pop("aneurysm_or_avm")
    examples[0]["expect"] = "ask"
    before, after = only_change(groups(shipped, now)["Rules"])[1]["Examples"]
    assert (len(before), len(after)) == (2, 2)
    assert before[0].rpartition(" → ")[0] == after[0].rpartition(" → ")[0]
    assert before[0].endswith("nothing listed")
    assert after[0].endswith("signing goes on")
    assert after[1] == f"{len(examples) - 1} examples with new facts, listed with the rule"


def test_a_page_that_moved_is_said_to_have_and_an_added_one_moves_no_other(shipped):
    now = edited(shipped)
    items = next(f for f in now.questionnaire_tree.values() if f.get("section") == "heart-vessels-and-brain")["items"]
    items.insert(0, {**question(now, "aneurysm_or_avm"), "link_id": "a_new_question"})
    assert "Sections" not in groups(shipped, now)
    moved = edited(shipped)
    items = next(f for f in moved.questionnaire_tree.values() if f.get("section") == "heart-vessels-and-brain")["items"]
    items.append(items.pop(0))
    assert only_change(groups(shipped, moved)["Sections"])[0] == "heart-vessels-and-brain"
