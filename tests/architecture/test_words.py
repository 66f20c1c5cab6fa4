"""What the program never says, and what is said in one place only."""

import re

import pytest
from django.apps import apps
from django.db import models
from django.urls import get_resolver

from clinic_site.records.rows import ClinicRow
from screening.models import Outcome
from tests.architecture.source import ROOMS, ROOT, python_files, relative, room_of
from tests.conftest import shipped_questionnaire

OUR_MODELS = [model for model in apps.get_models() if room_of(model.__module__)]
CLINICAL = [model for model in OUR_MODELS if issubclass(model, ClinicRow)]
TEXT_SUFFIXES = {".py", ".html", ".yaml", ".js", ".css", ".svg", ".po", ".txt", ".json"}
SHIPPED = sorted(
    path
    for folder in (*ROOMS, "templates")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in TEXT_SUFFIXES and "vendor" not in path.parts
)
VERDICT = re.compile(r"eligib", re.IGNORECASE)
# A cited source may carry the word in its own address.
CITED_ADDRESS = re.compile(r"^\s*url: \S+$", re.MULTILINE)


@pytest.mark.parametrize("folder", [*ROOMS, "templates"])
def test_no_shipped_file_says_whether_somebody_may_be_treated(folder):
    said = [
        f"{relative(path)}: {match.group()}"
        for path in SHIPPED
        if path.relative_to(ROOT).parts[0] == folder
        for match in [VERDICT.search(CITED_ADDRESS.sub("", path.read_text(encoding="utf-8")))]
        if match
    ]
    assert said == []
    assert any(path.relative_to(ROOT).parts[0] == folder for path in SHIPPED)


def test_no_name_of_a_file_or_address_says_so_either():
    def routes(patterns, before=""):
        for pattern in patterns:
            yield f"{before}{pattern.pattern} {getattr(pattern, 'name', '')}"
            yield from routes(getattr(pattern, "url_patterns", ()), f"{before}{pattern.pattern}")

    names = [relative(path) for path in SHIPPED] + list(routes(get_resolver().url_patterns))
    assert [name for name in names if VERDICT.search(name)] == []


# Words under which a computed yes or no about a person could be kept.
STORED_VERDICT = re.compile(r"eligib|verdict|accept|approv|reject|cleared?$|pass|suitab|qualif|score|risk|recommend")


@pytest.mark.parametrize("model", CLINICAL, ids=lambda model: model._meta.label)
def test_no_clinical_column_or_choice_is_a_verdict(model):
    fields = [f for f in model._meta.get_fields() if f.concrete]
    names = [f.name for f in fields]
    choices = [
        str(word) for f in fields for pair in (f.flatchoices if hasattr(f, "flatchoices") else ()) for word in pair
    ]
    assert [word for word in (*names, *choices) if STORED_VERDICT.search(word.lower())] == []


def test_the_only_yes_or_no_about_a_patient_are_two_marks_on_a_flag():
    kept = {
        f"{model._meta.label}.{f.name}"
        for model in CLINICAL
        for f in model._meta.get_fields()
        if isinstance(f, models.BooleanField)
    }
    assert kept == {"screening.DetectedIssue.hold", "screening.DetectedIssue.worst_case_assumed"}


def test_a_decision_is_one_of_four_and_signed_by_a_person():
    decision = apps.get_model("screening.Decision")
    assert set(Outcome.values) == {
        "proceed-to-evaluation",
        "more-information",
        "not-at-this-time",
        "referred-elsewhere",
    }
    assert set(Outcome.labels) == {
        "Proceed to evaluation",
        "More information needed",
        "Not at this time",
        "Referred elsewhere",
    }
    assert not decision._meta.get_field("signed_by").null
    assert not decision._meta.get_field("outcome").has_default()


def plain(text):
    """Without markup, line breaks and the difference between straight and round quotes."""
    text = re.sub(r"\s+", " ", text).replace("’", "'").replace("“", '"').replace("”", '"')
    return text.lower().strip()


def questionnaire_texts():
    questionnaire = shipped_questionnaire()
    for section in questionnaire.sections:
        yield from (section.title["en"], section.intro.get("en", ""))
    for page in questionnaire.pages:
        for item in dict.fromkeys((page.item, *page.questions)):
            maps = (item.text, item.help, item.why, item.error, item.statement, item.decline_label, item.none_label)
            yield from (text.get("en", "") for text in maps)
            paragraphs = (*item.body.get("en", "").splitlines(), *item.full_text.get("en", "").splitlines())
            yield from (line.removeprefix("- ") for line in paragraphs)
            yield from (option.label["en"] for option in item.options)


def test_the_wording_of_a_question_stands_in_no_template():
    """Shorter than 16 characters it is a word of the language, such as Yes or Female."""
    texts = {plain(text) for text in questionnaire_texts() if len(text) >= 16}
    templates = {relative(path): plain(path.read_text()) for path in (ROOT / "templates").rglob("*.html")}
    assert len(texts) > 400
    assert [(name, text) for name, content in templates.items() for text in texts if text in content] == []


def test_the_name_of_a_question_stands_in_no_template():
    link_ids = set(shipped_questionnaire().questions) - {"medicines", "address", "pronouns", "phone", "email", "height"}
    link_ids -= {
        "weight",
        "blood_pressure",
        "date_of_birth",
        "chosen_name",
        "contact_ok",
        "safe_time_to_call",
        "discreet_contact",
    }
    templates = {relative(path): path.read_text() for path in (ROOT / "templates").rglob("*.html")}
    named = [(name, i) for name, content in templates.items() for i in link_ids if re.search(rf"\b{i}\b", content)]
    assert named == []


def test_one_place_in_the_program_catches_everything():
    """The rule engine turns it into a flag; ruff's BLE refuses any other, unless a comment switches it off."""
    blind = re.compile(r"^\s*except(?:\s+\(?.*\b(?:Base)?Exception\b.*)?:|noqa.*\bBLE", re.MULTILINE)
    assert [relative(p) for p in python_files() for _match in blind.finditer(p.read_text())] == ["screening/engine.py"]
