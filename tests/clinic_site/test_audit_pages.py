"""Who may read the trail, what they find in it, and what a breach or a patient's question is answered with."""

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command

from clinic_site.accounts.models import Membership
from clinic_site.audit import reading
from clinic_site.audit.accounting import role_label
from clinic_site.audit.models import Actor, AuditEvent
from clinic_site.audit.services import audit_event, record
from tests.conftest import make_clinic, make_user

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # noon in New York, where the test clinic is
ONE, TWO = "7QK2-M9XD", "3TEB-CH9A"


def at(monkeypatch, moment):
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def write(moment, action, **fields):
    """Writes an event of that moment. Its key is made here, because keys go by the clock of the machine."""
    event = audit_event(action, **fields)
    event.id = reading.first_key_of(moment - timedelta(milliseconds=AuditEvent.objects.count()))
    record([event])


@pytest.fixture
def auditor(clinic, signed_in, monkeypatch):
    at(monkeypatch, NOON)
    return signed_in(make_user("auditor", clinic))


@pytest.fixture
def ada(clinic):
    return make_user("clinician", clinic, name="Dr. Ada Example")


@pytest.fixture
def written(clinic, ada, monkeypatch):
    """Looks on three days, by two people, at two records."""
    desk = make_user("front-desk", clinic, name="Fran Desk")
    for days, user, action, fields in (
        (0, ada, "case.read", {"reference": ONE}),
        (0, ada, "case.read", {"reference": ONE}),
        (0, desk, "queue.read", {"listed": [ONE, TWO]}),
        (1, desk, "case.contact-read", {"reference": TWO}),
        (2, ada, "case.claimed", {"reference": TWO}),
        (9, ada, "case.read", {"reference": TWO}),
    ):
        at(monkeypatch, NOON - timedelta(days=days))
        write(NOON - timedelta(days=days), action, clinic_id=clinic.id, user=user, address="192.0.2.7", **fields)
    at(monkeypatch, NOON)


def shown(client, **asked):
    answer = client.get("/audit/", asked)
    assert answer.status_code == 200, answer.context["form"].errors
    return [row["event"].action for row in answer.context["rows"]]


def test_the_auditor_sees_the_last_seven_days_newest_first(auditor, written):
    assert shown(auditor) == ["case.read", "case.read", "queue.read", "case.contact-read", "case.claimed"]
    html = auditor.get("/audit/").content.decode()
    for said in ("Dr. Ada Example", "Read the whole case", ONE, "2 in a list", "192.0.2.7", "Nov 23, 2026, 12:00:00"):
        assert said in html


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"reference": ONE}, ["case.read", "case.read", "queue.read"]),
        ({"reference": ONE.lower()}, ["case.read", "case.read", "queue.read"]),
        ({"reference": "0000-0000"}, []),
        ({"action": "case.claimed"}, ["case.claimed"]),
        ({"start": "2026-11-22", "end": "2026-11-22"}, ["case.contact-read"]),
        ({"start": "2026-11-01", "action": "case.read"}, ["case.read", "case.read", "case.read"]),
    ],
)
def test_the_trail_is_filtered_by_record_action_and_days(auditor, written, asked, found):
    assert shown(auditor, **asked) == found


def test_what_patients_did_themselves_is_shown_only_when_asked_for(auditor, written, clinic):
    write(NOON, "response.submitted", clinic_id=clinic.id, actor=Actor.PATIENT, reference=ONE)
    assert "response.submitted" not in shown(auditor)
    assert "response.submitted" in shown(auditor, patients="on")


def test_the_trail_is_filtered_by_person_and_clinic(auditor, written, ada, clinic):
    assert shown(auditor, person=ada.email.upper()) == ["case.read", "case.read", "case.claimed"]
    assert len(shown(auditor, clinic=clinic.pk, action="case.read")) == 2


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"start": "2026-11-23", "end": "2026-11-22"}, "end"),
        ({"start": "2024-11-23", "end": "2026-11-22"}, "end"),
        ({"start": "yesterday"}, "start"),
        ({"person": "nobody@riverside.example"}, "person"),
        ({"reference": "7QK2%"}, "reference"),
        ({"action": "' OR 1=1 --"}, "action"),
        ({"clinic": "00000000-0000-7000-8000-000000000000"}, "clinic"),
    ],
)
def test_what_can_not_be_looked_for_is_told_at_its_field(auditor, asked, field):
    answer = auditor.get("/audit/", asked)
    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]


def test_an_auditor_can_not_choose_or_see_another_clinic(auditor, written):
    foreign = make_clinic("lakeside")
    write(NOON, "case.read", clinic_id=foreign.id, user=make_user("clinician", foreign), reference=TWO)
    assert "case.read" not in shown(auditor, reference=TWO)
    assert auditor.get("/audit/", {"clinic": foreign.pk}).status_code == 422


@pytest.mark.parametrize("role", ["clinician", "front-desk", "medical-director", "administrator"])
def test_nobody_else_opens_the_trail(clinic, signed_in, role):
    assert signed_in(make_user(role, clinic)).get("/audit/").status_code == 403


def test_a_stranger_is_asked_to_sign_in(client, db):
    assert client.get("/audit/").status_code == 302


def test_reading_the_trail_is_recorded_with_what_was_asked(auditor, written, ada):
    auditor.get("/audit/", {"person": ada.email, "reference": ONE, "action": "case.read"})
    event = AuditEvent.objects.get(action="audit.read")
    assert (event.reference, event.route, event.role) == (ONE, "audit:trail", "auditor")
    assert event.detail["asked"] == {
        "person": str(ada.pk), "action": "case.read", "start": "2026-11-17", "end": "2026-11-23"
    }  # fmt: skip


def test_without_the_trail_the_trail_is_not_shown(auditor, written, no_entries):
    answer = auditor.get("/audit/")
    assert answer.status_code == 503
    assert ONE not in answer.content.decode()


def test_the_trail_is_paged_without_gap_or_repeat(auditor, written, monkeypatch):
    monkeypatch.setattr(reading, "PAGE_SIZE", 2)
    seen, asked = [], {"action": ""}
    while asked:
        answer = auditor.get("/audit/", asked)
        seen += [row["event"].id for row in answer.context["rows"] if row["event"].action != "audit.read"]
        asked = dict(answer.context["next_query"])
    assert len(seen) == len(set(seen)) == 5
    assert seen == sorted(seen, reverse=True)


@pytest.mark.parametrize("before", ["", "nothing", "7QK2-M9XD"])
def test_a_place_that_is_none_gives_the_first_page(auditor, written, before):
    assert len(shown(auditor, before=before, action="case.read")) == 2


def test_any_page_of_the_trail_costs_the_same_statements(auditor, written, statements):
    def cost(**asked):
        with statements() as seen:
            auditor.get("/audit/", asked)
        return len(seen.statements())

    assert cost(action="case.claimed") == cost(action="case.read") <= 9


def test_the_plot_counts_records_opened_each_day(auditor, written):
    plot = auditor.get("/audit/").context["plot"]
    assert not plot.by_hour
    assert [(bar.label, bar.count) for bar in plot.bars[-3:]] == [("Nov 21", 0), ("Nov 22", 1), ("Nov 23", 2)]
    assert [bar.height for bar in plot.bars[-3:]] == [0, 50, 100]
    assert (len(plot.bars), plot.highest, plot.total) == (7, 2, 3)


def test_few_days_are_plotted_by_the_hour_of_the_clinic(auditor, written):
    plot = auditor.get("/audit/", {"start": "2026-11-23", "end": "2026-11-23"}).context["plot"]
    assert plot.by_hour
    assert [(bar.label, bar.count) for bar in plot.bars if bar.count] == [("Nov 23, 12:00", 2)]
    assert len(plot.bars) == 24


def test_the_plot_needs_no_script_and_no_inline_style(auditor, written):
    html = auditor.get("/audit/").content.decode()
    main = html[html.index("<main") : html.index("</main>")]
    assert main.count("<rect") == 7
    assert "<script" not in main
    assert "style=" not in main
    assert "Nov 23: 2" in main


def test_an_auditor_s_first_page_is_the_trail(auditor):
    assert auditor.get("/")["Location"] == "/audit/"


def report(**options):
    out, err = io.StringIO(), io.StringIO()
    call_command("breach_report", **{"start": "2026-11-22", "end": "2026-11-24", **options}, stdout=out, stderr=err)
    return list(csv.DictReader(io.StringIO(out.getvalue()))), err.getvalue()


def test_a_breach_report_equals_the_trail(written, clinic):
    rows, told = report(zone="America/New_York")
    assert [(row["reference"], row["clinic"], row["times"], row["data"]) for row in rows] == [
        (TWO, clinic.slug, "2", "case status; contact"),
        (ONE, clinic.slug, "3", "answers; case status; contact; findings; notes and decision"),
    ]
    assert rows[0]["first"] == "2026-11-22T12:00:00-05:00"
    assert "2 records affected" in told
    assert "answers: 1" in told
    assert "case status: 2" in told


def test_no_cell_of_a_breach_report_begins_a_formula(written):
    rows, _told = report(zone="America/New_York")
    cells = [cell for row in rows for cell in row.values()]
    assert len(cells) == 12
    assert all(cell[0].isalnum() for cell in cells)


def test_a_breach_report_of_one_person_names_only_what_they_opened(written, ada):
    rows, _told = report(actor=ada.email)
    assert [row["reference"] for row in rows] == [ONE]


def test_a_breach_report_leaves_out_what_lies_before_and_after(written):
    assert [row["reference"] for row in report(start="2026-11-22", end="2026-11-23")[0]] == [TWO]
    assert report(start="2026-11-23T17:00:01", end="2026-11-24")[0] == []


def test_a_breach_report_is_recorded(written, ada):
    report(actor=ada.email)
    event = AuditEvent.objects.get(action="audit.reported")
    assert (event.entity_id, event.detail["records"], event.actor) == (ada.pk, 1, Actor.SYSTEM)


@pytest.mark.parametrize(
    "options", [{"start": "tomorrow"}, {"end": "2026-13-01"}, {"actor": "nobody@x.example"}, {"zone": "Moon/Base"}]
)
def test_a_breach_report_says_what_it_can_not_read(db, options):
    with pytest.raises(CommandError):
        report(**options)


def accounting(*arguments):
    out = io.StringIO()
    call_command("accounting", *arguments, stdout=out)
    return out.getvalue().splitlines()


def test_an_accounting_says_on_which_day_which_role_did_what(written):
    assert accounting(ONE) == [
        "2026-11-23  Front desk: Saw your reference in the list of forms",
        "2026-11-23  Clinician: Read your answers and the clinic’s notes, 2 times",
    ]


def test_an_accounting_with_names_names_the_people(written):
    assert "2026-11-23  Dr. Ada Example: Read your answers and the clinic’s notes, 2 times" in accounting(
        ONE, "--names"
    )


def test_an_accounting_goes_back_three_years_and_no_further(written, clinic, ada, monkeypatch):
    for days in (3 * 365 - 1, 3 * 365 + 2):
        at(monkeypatch, NOON - timedelta(days=days))
        record([audit_event("case.read", clinic_id=clinic.id, user=ada, reference=ONE)])
    at(monkeypatch, NOON)
    assert len(accounting(ONE)) == 3


def test_an_accounting_leaves_out_what_the_person_and_the_program_did(clinic):
    record([audit_event("response.submitted", clinic_id=clinic.id, actor=Actor.PATIENT, reference=ONE)])
    record([audit_event("case.emergency", clinic_id=clinic.id, reference=ONE)])
    record([audit_event("case.not-found", clinic_id=clinic.id, user=make_user("clinician", clinic), reference=ONE)])
    assert accounting(ONE) == ["Nobody looked at 7QK2-M9XD within 3 years, or there is no such record."]


def test_an_accounting_is_recorded(written):
    accounting(ONE.lower())
    assert AuditEvent.objects.get(action="accounting.printed").reference == ONE


@pytest.mark.parametrize(
    ("codes", "label"),
    [
        ("clinician", "Clinician"),
        ("auditor, front-desk", "Auditor and Front desk"),
        ("", "Member of staff"),
        ("gone", "Member of staff"),
    ],
)
def test_a_role_is_told_in_words(codes, label):
    assert role_label(codes) == label


def test_somebody_with_two_clinics_leaves_an_entry_for_each_when_they_see_the_queue(clinic, signed_in, ada):
    other = make_clinic("lakeside")
    Membership.objects.create(user=ada, clinic=other, role="front-desk", origin="shell")
    signed_in(ada).get("/review/")
    entries = AuditEvent.objects.filter(action="queue.read")
    assert {(event.clinic_id, event.role) for event in entries} == {(clinic.id, "clinician"), (other.id, "front-desk")}
