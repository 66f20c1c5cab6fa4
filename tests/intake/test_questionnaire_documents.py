"""The questionnaire as files: what is read, and how each mistake is answered."""

import re

import pytest
import yaml

from clinic_site.publishing.documents import ContentError, canonical_form, content_hash, parse_source, read_source
from intake.models import QuestionnaireVersion
from intake.published import questionnaire_version
from intake.questionnaire_reader import SHIPPED, questionnaire_from_tree, read_questionnaire

HEADER = """
questionnaire: small
version: "1"
languages: [en]
minimum_age_years: 18
title: {en: A small one}
option_sets:
  yes-no:
    - {code: "yes", label: {en: "Yes"}}
    - {code: "no", label: {en: "No"}}
"""
SECTION = """
section: health
title: {en: Your health}
sensitivity: mental-health
items:
  - link_id: sleeps_badly
    type: choice
    options: yes-no
    text: {en: "Do you sleep badly?"}
    why: {en: "It matters."}
  - link_id: hours_of_sleep
    type: number
    unit: {en: hours}
    min: 0
    max: 24
    text: {en: "How many hours?"}
    why: {en: "It matters."}
    enable_when:
      - {question: sleeps_badly, operator: "=", answer: "yes"}
  - link_id: about_you
    type: group
    text: {en: "About you"}
    why: {en: "It matters."}
    items:
      - {link_id: nickname, type: short_text, clinical: false, text: {en: "Nickname"}}
      - {link_id: hobby, type: short_text, clinical: false, text: {en: "Hobby"}}
  - link_id: troubles
    type: multiple_choice
    text: {en: "Which of these?"}
    why: {en: "It matters."}
    options:
      - {code: "pain", label: {en: "Pain"}}
      - {code: "none", label: {en: "None of these"}, exclusive: true}
"""


def problems_of(section: str = SECTION, header: str = HEADER) -> list[str]:
    try:
        questionnaire_from_tree(parse_source({"questionnaire.yaml": header, "01-health.yaml": section}))
    except ContentError as error:
        return [str(problem) for problem in error.problems]
    return []


def edited(old: str, new: str, text: str = SECTION) -> str:
    assert text.count(old) >= 1, old
    return text.replace(old, new, 1)


def test_the_small_questionnaire_has_no_mistake():
    assert problems_of() == []


# What was written, what is written instead, the entry that is named, and words of what to do.
MISTAKES = {
    "unknown key of an item": ("options: yes-no", "optoins: yes-no", "sleeps_badly", "did you mean 'options'"),
    "unknown key of a section": ("sensitivity:", "sensitivty:", "", "did you mean 'sensitivity'"),
    "unknown key of an option": (
        '"pain", label: {en: "Pain"}}', '"pain", label: {en: "Pain"}, exclusve: true}', "pain", "'exclusive'"
    ),
    "unknown key of a condition": ("operator: ", "operater: ", "sleeps_badly", "did you mean 'operator'"),
    "missing text": ('    text: {en: "Do you sleep badly?"}\n', "", "sleeps_badly", "add 'text'"),
    "empty text": ('{en: "Do you sleep badly?"}', '{en: " "}', "sleeps_badly", "'text' has no text in 'en'"),
    "text not by language": ('{en: "Do you sleep badly?"}', '"Do you?"', "sleeps_badly", "text: {en: …}"),
    "text in another language": ('{en: "Do you sleep badly?"}', '{fr: "Oui"}', "sleeps_badly", "no text in 'en'"),
    "missing type": ("    type: choice\n", "", "sleeps_badly", "add 'type'"),
    "unknown type": ("type: choice", "type: choise", "sleeps_badly", "did you mean 'choice'"),
    "missing link_id": ("  - link_id: sleeps_badly\n    type", "  - type", "items[1]", "add 'link_id'"),
    "link_id with a hyphen": ("link_id: troubles", "link_id: my-troubles", "my-troubles", "underscores"),
    "duplicate link_id": ("link_id: troubles", "link_id: sleeps_badly", "sleeps_badly", "choose another"),
    "unknown option set": ("options: yes-no", "options: yesno", "sleeps_badly", "did you mean 'yes-no'"),
    "a choice without options": ("    options: yes-no\n", "", "sleeps_badly", "add 'options'"),
    "a choice of nothing": ("options: yes-no", "options: []", "sleeps_badly", "at least two options"),
    "options on a number": ("    unit: {en: hours}", "    options: yes-no\n    unit: {en: hours}", "hours_of_sleep", "only"),
    "two options with one code": ('code: "none"', 'code: "pain"', "troubles", "same code"),
    "an unquoted yes is a word": ("clinical: false", "clinical: yes", "nickname", 'true or false, not "yes"'),
    "number in quotes": ("max: 24", 'max: "24"', "hours_of_sleep", "'max' must be a number"),
    "range upside down": ("max: 24", "max: -1", "hours_of_sleep", "'min' must be below 'max'"),
    "number without a unit": ("    unit: {en: hours}\n", "", "hours_of_sleep", "add 'unit'"),
    "missing why in a sensitive section": (
        '    text: {en: "Do you sleep badly?"}\n    why: {en: "It matters."}\n',
        '    text: {en: "Do you sleep badly?"}\n', "sleeps_badly", "add 'why'",
    ),
    "unknown sensitivity": ("mental-health", "mental_health", "", "did you mean 'mental-health'"),
    "gate that does not exist": ("question: sleeps_badly", "question: sleeps", "hours_of_sleep", "not asked"),
    "gate that comes later": ("question: sleeps_badly", "question: troubles", "hours_of_sleep", "later"),
    "gate that is itself": ("question: sleeps_badly", "question: hours_of_sleep", "hours_of_sleep", "same page"),
    "wrong option code in a gate": ('answer: "yes"', 'answer: "Yes"', "hours_of_sleep", "only yes, no"),
    "size of a choice": ('"=", answer: "yes"', '">", answer: 1', "hours_of_sleep", "can not be compared by size"),
    "size against a word": ('"=", answer: "yes"', '">", answer: "yes"', "sleeps_badly", "the answer is a number"),
    "existence against a word": ('"="', '"exists"', "sleeps_badly", "true or false"),
    "unknown operator": ('operator: "="', 'operator: "=="', "sleeps_badly", "did you mean '='"),
    "condition without an answer": (', answer: "yes"', "", "sleeps_badly", "add 'answer'"),
    "two conditions without behaviour": (
        '"=", answer: "yes"}\n', '"=", answer: "yes"}\n      - {question: sleeps_badly, operator: "!=", answer: "no"}\n',
        "hours_of_sleep", "enable_behavior",
    ),
    "not sure typed into options": ('code: "pain"', 'code: "not_sure"', "troubles", "take them out"),
    "two exclusive options": (
        'label: {en: "Pain"}', 'label: {en: "Pain"}, exclusive: true', "troubles", "only one option can be exclusive"
    ),
    "a conditional inside a group": (
        "link_id: hobby, ",
        'link_id: hobby, enable_when: [{question: sleeps_badly, operator: "=", answer: "yes"}], ',
        "hobby", "page of its own",
    ),
    "a group in a group": (
        "      - {link_id: hobby, type: short_text, clinical: false, text: {en: \"Hobby\"}}\n",
        '      - {link_id: inner, type: group, text: {en: "In"}, why: {en: "So."}, items: []}\n',
        "inner", "a group can not stand in a group",
    ),
    "a number compared with a word": (
        'text: {en: "Which of these?"}',
        'text: {en: "Which of these?"}\n    enable_when: [{question: hours_of_sleep, operator: "=", answer: "8"}]',
        "troubles", "without quotes",
    ),
    "a text compared with a word": (
        'text: {en: "Which of these?"}',
        'text: {en: "Which of these?"}\n    enable_when: [{question: nickname, operator: "=", answer: "Sam"}]',
        "troubles", "only 'exists'",
    ),
    "a gate that is a group": (
        'text: {en: "Which of these?"}',
        'text: {en: "Which of these?"}\n    enable_when: [{question: about_you, operator: "exists", answer: true}]',
        "troubles", "not a question",
    ),
    "items that are no list": ("    items:\n      - {link_id: nickname", "    items: none\n    x:\n      - {link_id: nickname",
                              "about_you", "'items' must be a list of entries"),
    "an item that is a word": ("  - link_id: troubles\n", "  - troubles\n  - link_id: troubles\n", "items[4]", "a mapping"),
    "an unknown instrument": ("    options: yes-no", "    instrument: asq\n    options: yes-no", "sleeps_badly", "instruments"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_answered_with_its_file_its_entry_and_what_to_write_instead(mistake):
    old, new, entry, advice = MISTAKES[mistake]
    found = problems_of(edited(old, new))
    wanted = f"01-health.yaml: {entry}: " if entry else "01-health.yaml: "
    assert any(wanted in text and advice in text for text in found), found


WRONG_HEADERS = {
    "unknown key": ("version:", "versoin:", "did you mean 'version'"),
    "missing age": ("minimum_age_years: 18\n", "", "add 'minimum_age_years'"),
    "languages not a list": ("[en]", "en", "'languages' must be a list"),
    "option sets not a mapping": (
        "option_sets:\n  yes-no:\n    - ", "option_sets:\n    - ", "'option_sets' must be a mapping"
    ),
    "not sure in an option set": ('code: "no"', 'code: "not_sure"', "take them out"),
    "one code twice in an option set": ('code: "no"', 'code: "yes"', "same code"),
    "an unquoted option code": ('code: "no"', "code: 1", "'code' must be text"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", WRONG_HEADERS)
def test_a_mistake_in_the_header_names_the_header(mistake):
    old, new, advice = WRONG_HEADERS[mistake]
    found = problems_of(header=edited(old, new, HEADER))
    assert any(text.startswith("questionnaire.yaml: ") and advice in text for text in found), found


def test_a_missing_header_is_named():
    with pytest.raises(ContentError, match=r"questionnaire\.yaml"):
        questionnaire_from_tree(parse_source({"01-health.yaml": SECTION}))


def test_instruments_that_are_no_mapping_are_named():
    found = problems_of(edited("items:\n", "instruments: [asq]\nitems:\n"))
    assert any("01-health.yaml" in text and "'instruments' must be a mapping" in text for text in found), found


def test_several_mistakes_are_reported_at_once():
    section = edited("type: choice", "type: choise", edited("max: 24", 'max: "24"'))
    found = problems_of(section, header=edited("version:", "versoin:", HEADER))
    assert {text.split(":")[0] for text in found} == {"questionnaire.yaml", "01-health.yaml"}
    assert any("choise" in text for text in found)
    assert any("'max'" in text for text in found)


def test_an_unquoted_yes_is_kept_as_the_word_that_was_written():
    tree = parse_source({"a.yaml": "answer: yes\nother: no\ndate: 2026-11-23\nflag: true\n"})
    assert tree["a.yaml"] == {"answer": "yes", "other": "no", "date": "2026-11-23", "flag": True}


NOT_YAML = {
    "a key that stands twice": ("a: 1\nb: 2\na: 3\n", "the key 'a' stands twice (line 3)"),
    "a bracket left open": ("a: 1\nb: [2\n", "line 3"),
    "a tab before a key": ("a:\n\tb: 1\n", "line 2"),
    "a key that is a list": ("a: 1\n? [b]\n: 2\n", "line 2"),
    "a Python object": ("a: !!python/object:os.system {}\n", "line 1"),
    "two documents in one file": ("a: 1\n---\nb: 1\n", "line 2"),
    "a NUL": ("a: b\x00c\n", "is not valid YAML"),
}


@pytest.mark.parametrize("mistake", NOT_YAML)
def test_what_is_not_yaml_is_answered_with_its_file_and_line(mistake):
    text, where = NOT_YAML[mistake]
    with pytest.raises(ContentError) as refused:
        parse_source({"questionnaire.yaml": HEADER, "05-wrong.yaml": text})
    assert re.match(r"05-wrong\.yaml: ", str(refused.value))
    assert where in str(refused.value)


def test_every_file_that_is_not_yaml_is_named_at_once():
    with pytest.raises(ContentError) as refused:
        parse_source({"a.yaml": "a: [", "b.yaml": "b: ]"})
    assert [problem.file for problem in refused.value.problems] == ["a.yaml", "b.yaml"]


def test_a_file_that_is_not_utf8_text_is_named(tmp_path):
    (tmp_path / "questionnaire.yaml").write_bytes("title: Größe".encode("latin-1"))
    with pytest.raises(ContentError, match=r"questionnaire\.yaml.*UTF-8"):
        read_source(tmp_path)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(ContentError, match="holds no .yaml file"):
        read_source(tmp_path)


def test_the_hash_depends_on_what_is_said_and_not_on_how_it_is_written():
    flow = parse_source({"a.yaml": "a: {en: x}\nb: 1\n"})
    block = parse_source({"a.yaml": "# a comment\nb: 1\na:\n  en: 'x'\n"})
    assert content_hash(flow) == content_hash(block)
    assert content_hash(flow) != content_hash(parse_source({"a.yaml": "a: {en: y}\nb: 1\n"}))


def test_the_shipped_files_give_the_same_hash_each_time():
    assert content_hash(parse_source(read_source(SHIPPED))) == content_hash(parse_source(read_source(SHIPPED)))


def test_the_shipped_questionnaire_has_no_mistake():
    assert read_questionnaire().pages


@pytest.mark.django_db
def test_what_is_published_goes_back_to_files_byte_by_byte(published, tmp_path):
    version = QuestionnaireVersion.objects.get()
    for name, text in version.source.items():
        (tmp_path / name).write_bytes(text.encode())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        path.name: path.read_bytes() for path in SHIPPED.glob("*.yaml")
    }
    assert content_hash(parse_source(read_source(tmp_path))) == version.sha256


@pytest.mark.django_db
def test_the_database_gives_the_same_questionnaire_as_the_files(published):
    version = QuestionnaireVersion.objects.get()
    assert version.canonical == canonical_form(parse_source(read_source(SHIPPED)))
    stored, shipped = questionnaire_version(version.id), read_questionnaire()
    assert [(page.number, page.item.link_id) for page in stored.pages] == [
        (page.number, page.item.link_id) for page in shipped.pages
    ]


def test_line_ends_and_comments_survive_the_way_into_the_database(tmp_path):
    written = b"# kept\r\nquestionnaire: small\r\n"
    (tmp_path / "questionnaire.yaml").write_bytes(written)
    assert read_source(tmp_path)["questionnaire.yaml"].encode() == written


@pytest.mark.parametrize("file", sorted(path.name for path in SHIPPED.glob("[0-9]*.yaml")))
def test_every_health_question_of_a_sensitive_section_says_why(file):
    section = yaml.safe_load((SHIPPED / file).read_text(encoding="utf-8"))
    if section["sensitivity"] != "none":
        for item in section["items"]:
            if item.get("clinical", True) and item["type"] not in ("display", "signature"):
                scale = section.get("instruments", {}).get(item.get("instrument"), {})
                reasons = [child.get("why") for child in item.get("items", [scale])]
                assert item.get("why") or all(reasons), item["link_id"]
