"""Published content: one version for one content, never changed, and what is stored is what was written."""

import json

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.utils import IntegrityError

from clinic_site.audit.models import AuditEvent
from clinic_site.publishing.documents import ContentError, content_hash, parse_source, read_source
from clinic_site.publishing.models import Status
from clinic_site.publishing.services import publish_version
from intake import questionnaire_reader
from intake.models import QuestionnaireVersion
from intake.questionnaire_reader import questionnaire_from_tree
from screening import rules
from screening.models import RuleSetVersion
from screening.published import NoRuleSet, current_rule_set, rule_set_version
from screening.rules import RuleSet
from tests.conftest import owner_of_tables, publish_shipped_content
from tests.screening.cases import submitted_case

pytestmark = pytest.mark.django_db


def publish(text):
    source = {"a.yaml": text}
    return publish_version(RuleSetVersion, document_id="tiny", label="1", source=source, tree=parse_source(source))


def test_the_same_content_is_published_once():
    first, again = publish("a: 1"), publish("a: 1")
    assert (first[1], again[1]) == (True, False)
    assert first[0] == again[0]
    assert RuleSetVersion.objects.count() == 1


def test_content_that_says_the_same_in_another_way_is_the_same_version():
    publish("a: 1\nb: 2\n")
    _version, is_new = publish("# A comment.\nb: 2\na: 1\n")
    assert not is_new


def test_changed_content_retires_what_was_published():
    old, _ = publish("a: 1")
    new, is_new = publish("a: 2")
    old.refresh_from_db()
    assert is_new
    assert (old.status, new.status) == (Status.RETIRED, Status.PUBLISHED)
    assert (old.number, new.number) == (1, 2)


def test_earlier_content_can_be_published_again_as_the_version_it_was():
    first, _ = publish("a: 1")
    publish("a: 2")
    again, is_new = publish("a: 1")
    assert (again.pk, again.number, again.status, is_new) == (first.pk, 1, Status.PUBLISHED, True)
    assert RuleSetVersion.objects.filter(status=Status.PUBLISHED).count() == 1


def test_every_publication_leaves_a_trace_with_the_hash():
    version, _ = publish("a: 1")
    event = AuditEvent.objects.get(action="content.published")
    assert (event.entity_id, event.detail["sha256"]) == (version.id, version.sha256)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE screening_rulesetversion SET canonical = '{}'",
        "UPDATE screening_rulesetversion SET source = '{}'",
        "UPDATE screening_rulesetversion SET sha256 = 'x'",
        "UPDATE screening_rulesetversion SET label = 'x'",
        "UPDATE screening_rulesetversion SET number = 9",
        "UPDATE screening_rulesetversion SET published_at = now() - interval '1 day'",
        "DELETE FROM screening_rulesetversion",
    ],
)
def test_the_database_refuses_to_change_a_published_version(change):
    publish("a: 1")
    with owner_of_tables(), pytest.raises(DatabaseError, match="pgtrigger: Cannot"), transaction.atomic():
        connection.cursor().execute(change)


def test_a_published_version_may_move_on_to_retired():
    version, _ = publish("a: 1")
    connection.cursor().execute("UPDATE screening_rulesetversion SET status = 'retired'")
    version.refresh_from_db()
    assert version.status == Status.RETIRED


def test_only_one_version_of_a_document_is_published():
    publish("a: 1")
    other = RuleSetVersion(document_id="tiny", label="2", number=2, status=Status.PUBLISHED)
    other.fill({"a.yaml": "a: 2"}, {"a.yaml": {"a": 2}})
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()


@pytest.mark.parametrize(
    ("model", "build", "folder"),
    [
        (QuestionnaireVersion, questionnaire_from_tree, questionnaire_reader.SHIPPED),
        (RuleSetVersion, RuleSet.from_tree, rules.SHIPPED),
    ],
)
def test_what_is_stored_is_what_the_files_say_byte_for_byte(published, tmp_path, model, build, folder):
    version = model.objects.get()
    for name, text in version.source.items():
        (tmp_path / name).write_bytes(text.encode())
    files = {path.name: path.read_bytes() for path in folder.glob("*.yaml")}
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == files
    tree = parse_source(read_source(tmp_path))
    assert content_hash(tree) == content_hash(json.loads(version.canonical)) == version.sha256
    assert build(json.loads(version.canonical))


def test_the_command_publishes_both_documents_once(capsys):
    call_command("publish_content")
    call_command("publish_content")
    assert "Already published" in capsys.readouterr().out
    assert (QuestionnaireVersion.objects.count(), RuleSetVersion.objects.count()) == (1, 1)


def test_the_command_publishes_nothing_that_has_a_mistake(monkeypatch):
    def refuse():
        raise ContentError([])

    monkeypatch.setattr("screening.management.commands.publish_content.checked_content", refuse)
    with pytest.raises(CommandError, match="Nothing was published."):
        call_command("publish_content")
    assert not RuleSetVersion.objects.exists()


# ── a rule set that can not be trusted ─────────────────────────────────────────────────────────────────────────────


def forge(**changes):
    """A published rule set whose row does not hold what its hash says."""
    publish_shipped_content()
    honest = RuleSetVersion.objects.get()
    RuleSetVersion.objects.update(status=Status.RETIRED)
    values = {"source": honest.source, "canonical": honest.canonical, "sha256": "0" * 64, **changes}
    return RuleSetVersion.objects.create(
        document_id=honest.document_id,
        label="forged",
        number=2,
        status=Status.PUBLISHED,
        published_at=honest.published_at,
        **values,
    )


def test_a_rule_set_that_does_not_match_its_hash_is_not_run():
    forged = forge()
    with pytest.raises(NoRuleSet, match="does not match its checksum"):
        rule_set_version(forged.id)


def test_without_a_published_rule_set_there_is_none_to_run():
    with pytest.raises(NoRuleSet, match="publish_content"):
        current_rule_set()


@pytest.mark.parametrize("what", ["forged", "missing"])
def test_a_submission_under_a_broken_rule_set_is_kept_with_a_flag(clinic, what):
    if what == "forged":
        forge()
    else:
        publish_shipped_content()
        RuleSetVersion.objects.update(status=Status.RETIRED)
    case = submitted_case(clinic)
    assert case.rule_ids == ["assessment.failed"]
    flag = case.issues.get()
    assert (flag.status, flag.hold, flag.blocks_signing) == ("error", True, True)
    assert case.response.status == "completed"
