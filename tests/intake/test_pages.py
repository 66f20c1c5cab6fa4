"""One page at a time over HTTP: what a browser, a hand-made POST or a second tab sends, and that nothing is lost."""

import datetime
import html
import re
from unittest import mock

import pytest
from django.test import Client

from clinic_site.audit.models import AuditEvent
from clinic_site.publishing.documents import parse_source, read_source
from clinic_site.publishing.services import publish_version
from intake import questionnaire_reader
from intake.answers import State
from intake.models import QuestionnaireResponse, QuestionnaireVersion
from intake.published import questionnaire_of
from tests.conftest import make_clinic, shipped_questionnaire
from tests.intake.drafts import filled
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db


@pytest.fixture
def patient(published, clinic) -> PatientBrowser:
    return PatientBrowser(clinic)


@pytest.fixture
def ready(published, clinic) -> PatientBrowser:
    """Somebody who has filled in everything and not sent it."""
    return filled(clinic)


def ticket(patient: PatientBrowser, link_id: str) -> str:
    return patient.client.get(patient.url(link_id)).context["ticket"]


def post(patient: PatientBrowser, link_id: str, fields: dict, **extra):
    """A hand-made POST to the page of a question, with a good ticket."""
    return patient.client.post(patient.url(link_id), {"ticket": ticket(patient, link_id), **fields}, **extra)


def kept(patient: PatientBrowser, link_id: str):
    return patient.response.document().get(link_id)


def text_of(page) -> str:
    return page.content.decode()


# ── starting ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_looking_at_the_first_page_stores_nothing(published, clinic):
    shown = Client().get("/at/riverside/")
    assert shown.status_code == 200
    assert "intake" not in shown.cookies
    assert not QuestionnaireResponse.objects.exists()
    assert AuditEvent.objects.filter(action__startswith="response").count() == 0


def test_an_unknown_clinic_is_a_404(published):
    assert Client().get("/at/nowhere/").status_code == 404


def test_a_clinic_that_takes_nobody_new_offers_no_start_and_starts_nothing(published, clinic):
    clinic.is_accepting = False
    clinic.save()
    assert "Start now" not in text_of(Client().get("/at/riverside/"))
    answered = Client().post("/at/riverside/")
    assert clinic.phone in text_of(answered)
    assert not QuestionnaireResponse.objects.exists()


def test_starting_before_anything_is_published_says_so_and_shows_the_crisis_line(clinic):
    answered = Client().post("/at/riverside/")
    assert answered.status_code == 503
    assert "988" in text_of(answered)


def test_a_draft_is_found_again_in_the_same_browser(patient):
    patient.save("date_of_birth")
    shown = patient.client.get("/at/riverside/")
    assert f"/intake/{patient.public_id}/" in text_of(shown)
    page = patient.client.get(patient.url("date_of_birth"))
    assert 'value="1985"' in text_of(page)


@pytest.mark.parametrize(
    ("link_id", "parts", "on_the_page"),
    [
        ("state_now", {"": "ny"}, 'value="ny" selected'),
        ("legal_given_name", {"": "Zoë"}, "Zoë"),
        ("height", {".cm": "172"}, 'value="172"'),
        ("medicines", {".name": ["Zoloft"], ".dose": ["50 mg"]}, 'value="Zoloft"'),
        ("other_allergies", {"": "Latex: a rash"}, "Latex: a rash"),
        ("esign_consent", {".agree": "signed", ".name": "Sam Sample"}, "checked"),
        ("aneurysm_or_avm", {"": "not_sure"}, 'value="not_sure" checked'),
        ("blood_pressure", {".absent": "not_sure"}, 'value="not_sure" checked'),
    ],
)
def test_a_saved_answer_stands_on_its_page_when_it_is_opened_again(patient, link_id, parts, on_the_page):
    patient.save(link_id, **{link_id: parts})
    assert on_the_page in text_of(patient.client.get(patient.url(link_id)))


# ── good, wrong and hand-made posts ────────────────────────────────────────────────────────────────────────────────


def test_a_saved_page_leads_on_to_the_next_one_that_is_asked(patient):
    saved = patient.save("suicide_attempt_ever")
    assert saved.status_code == 303
    assert saved["Location"] == patient.url("suicidal_thoughts_right_now")


def test_pages_can_be_answered_out_of_order(patient):
    assert patient.save("pregnant").status_code == 303
    assert patient.save("date_of_birth").status_code == 303
    assert kept(patient, "pregnant").answered
    assert kept(patient, "date_of_birth").answered


def test_a_page_that_is_not_asked_is_not_shown(patient):
    patient.save("suicide_attempt_ever", suicide_attempt_ever={"": "no"})
    assert patient.client.get(patient.url("last_suicide_attempt_date")).status_code == 302


def test_a_post_to_a_page_that_is_no_longer_asked_is_kept_but_does_not_count(patient):
    open_page = ticket(patient, "last_suicide_attempt_date")
    patient.save("suicide_attempt_ever", suicide_attempt_ever={"": "no"})
    saved = patient.client.post(
        patient.url("last_suicide_attempt_date"), {"ticket": open_page, "last_suicide_attempt_date.year": "2026"}
    )
    assert saved.status_code == 303
    assert kept(patient, "last_suicide_attempt_date") is None
    assert [old.value for old in patient.response.document().changes("last_suicide_attempt_date")] == ["2026"]


@pytest.mark.parametrize("number", [0, 999, 10**30])
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_page_number_that_does_not_exist_is_a_404(patient, method, number):
    assert getattr(patient.client, method)(f"/intake/{patient.public_id}/{number}/").status_code == 404


def test_an_empty_page_is_answered_with_what_to_do_and_marked_in_its_title(patient):
    answered = post(patient, "date_of_birth", {})
    assert answered.status_code == 422
    page = text_of(answered)
    assert re.search(r"<title>\s*Error:", page)
    assert 'href="#q1"' in page
    assert 'id="q1"' in page
    assert "Enter the month, day and year you were born" in page


def test_a_valid_answer_beside_an_invalid_one_is_saved(patient):
    answered = post(patient, "blood_pressure", {
        "blood_pressure.systolic": "118", "blood_pressure.diastolic": "76",
        "bp_reading_date.month": "14", "bp_reading_date.day": "1", "bp_reading_date.year": "2026",
    })  # fmt: skip
    assert answered.status_code == 422
    assert kept(patient, "blood_pressure").value == {"systolic": "118", "diastolic": "76"}
    assert kept(patient, "bp_reading_date").state is State.UNPARSEABLE
    assert kept(patient, "bp_reading_place").state is State.SKIPPED
    assert 'value="14"' in text_of(answered)


def test_an_answer_that_can_not_be_read_is_there_again_after_closing_the_browser(patient):
    post(patient, "date_of_birth", {"date_of_birth.month": "Smarch", "date_of_birth.year": "1990"})
    assert 'value="Smarch"' in text_of(patient.client.get(patient.url("date_of_birth")))


def test_an_answer_that_was_good_is_kept_in_the_history_when_it_becomes_unreadable(patient):
    patient.save("date_of_birth")
    post(patient, "date_of_birth", {"date_of_birth.year": "85"})
    assert [old.value for old in patient.response.document().changes("date_of_birth")] == ["1985-04-27"]


FOREIGN = [
    ("a question of another page", {"aneurysm_or_avm": "no"}, "aneurysm_or_avm"),
    ("a part the question does not have", {"date_of_birth.hour": "3"}, "date_of_birth.hour"),
    ("something else", {"is_staff": "1"}, "is_staff"),
]


@pytest.mark.parametrize(("what", "fields", "named"), FOREIGN, ids=[case[0] for case in FOREIGN])
def test_a_foreign_field_is_named_and_saves_nothing_but_the_page_itself(patient, what, fields, named):
    answered = post(patient, "date_of_birth", {**patient.posted(patient.number("date_of_birth")), **fields})
    assert answered.status_code == 422
    assert named in text_of(answered)
    assert kept(patient, "date_of_birth").value == "1985-04-27"
    assert set(patient.response.document().answers) == {"date_of_birth"}


@pytest.mark.parametrize(
    ("link_id", "fields"),
    [
        ("aneurysm_or_avm", {"aneurysm_or_avm": ["yes", "no"]}),
        ("other_allergies", {"other_allergies": ["dust", "latex"]}),
        ("date_of_birth", {"date_of_birth.month": "1", "date_of_birth.day": ["1", "2"], "date_of_birth.year": "1990"}),
    ],
)
def test_a_repeated_field_is_refused_and_both_are_kept(patient, link_id, fields):
    answered = post(patient, link_id, fields)
    assert answered.status_code == 422
    assert "more than once" in text_of(answered)
    assert kept(patient, link_id).state is State.UNPARSEABLE
    assert any(len(texts) == 2 for texts in kept(patient, link_id).value.values())


@pytest.mark.parametrize("sent", ["Yes", "true", "1", "maybe", "NO "])
def test_a_choice_that_is_not_one_of_the_options_is_never_taken_for_one(patient, sent):
    answered = post(patient, "aneurysm_or_avm", {"aneurysm_or_avm": sent})
    assert answered.status_code == 422
    assert kept(patient, "aneurysm_or_avm").state is State.UNPARSEABLE


def test_a_text_of_100_kb_is_refused_and_still_stands_on_the_page(patient):
    text = "It itches. " * 9_000
    answered = post(patient, "other_allergies", {"other_allergies": text})
    assert answered.status_code == 422
    assert "too long" in text_of(answered)
    assert text.strip() in text_of(answered)


def test_a_text_that_is_somewhat_too_long_is_kept_on_the_server_too(patient):
    text = "It itches. " * 300
    assert post(patient, "other_allergies", {"other_allergies": text}).status_code == 422
    assert kept(patient, "other_allergies").value[""] == [text]
    assert text.strip() in text_of(patient.client.get(patient.url("other_allergies")))


def test_a_body_above_the_limit_is_answered_with_a_page_of_its_own(patient):
    patient.save("date_of_birth")
    answered = post(patient, "other_allergies", {"other_allergies": "x" * 600_000})
    assert answered.status_code == 413
    assert "988" in text_of(answered)
    assert kept(patient, "date_of_birth").answered


@pytest.mark.parametrize("text", ["لا شيء ‏", "👩🏽‍⚕️ none", "<script>alert(1)</script>", "{{ 7|add:7 }}"])
def test_a_text_of_any_script_is_kept_and_shown_as_text(patient, text):
    assert post(patient, "other_allergies", {"other_allergies": text}).status_code == 303
    assert kept(patient, "other_allergies").value == text
    page = text_of(patient.client.get(patient.url("other_allergies")))
    assert "<script>alert" not in page
    assert text.replace("<", "&lt;").replace(">", "&gt;") in page


def test_a_nul_is_refused_with_a_sentence_and_the_text_is_kept(patient):
    answered = post(patient, "other_allergies", {"other_allergies": "late\x00x"})
    assert answered.status_code == 422
    assert "can not be stored" in text_of(answered)
    assert kept(patient, "other_allergies").state is State.UNPARSEABLE


@pytest.mark.parametrize("path", ["/intake/%00/1/", "/intake/a%00b/", "/intake/%F0%9F%92%8A/1/"])
def test_a_draft_address_that_can_not_exist_is_a_404(patient, path):
    assert patient.client.get(path).status_code == 404


def test_a_browser_pass_that_is_nonsense_opens_nothing_and_breaks_nothing(published, clinic):
    assert Client().get("/at/riverside/", HTTP_COOKIE='intake-a="b"; intake-=1; intake-a%00b=2; =').status_code == 200
    assert Client().get("/at/riverside/", HTTP_COOKIE='intake-a="\\000b"; intake-\x00=1').status_code == 400


def test_a_second_form_does_not_shut_the_first(patient):
    first = patient.url("date_of_birth")
    patient.client.post(f"/at/{make_clinic('hillside').slug}/")
    assert patient.client.get(first).status_code == 200
    assert patient.client.get(f"/at/{patient.clinic.slug}/").context["unfinished"] == patient.response


def test_five_hundred_medicines_are_taken(patient):
    rows = {
        f"medicines.{part}": [f"{part} {n}" for n in range(500)] for part in ("name", "dose", "frequency", "reason")
    }
    assert post(patient, "medicines", rows).status_code == 303
    assert len(kept(patient, "medicines").value["rows"]) == 500


def test_601_medicines_are_refused_and_still_stand_on_the_page(patient):
    rows = {
        f"medicines.{part}": [f"{part} {n}" for n in range(601)] for part in ("name", "dose", "frequency", "reason")
    }
    answered = post(patient, "medicines", rows)
    assert answered.status_code == 422
    assert "name 600" in text_of(answered)


def test_add_another_medicine_saves_and_comes_back_to_the_list(patient):
    saved = post(patient, "medicines", {"medicines.name": ["Zoloft"], "add": "1"})
    assert (saved.status_code, saved["Location"]) == (303, patient.url("medicines"))
    assert kept(patient, "medicines").value["rows"][0]["name"] == "Zoloft"


def test_an_unlikely_reading_is_asked_about_once_and_then_taken(patient):
    fields = {**patient.posted(patient.number("blood_pressure")),
              "blood_pressure.systolic": "76", "blood_pressure.diastolic": "118"}  # fmt: skip
    first = post(patient, "blood_pressure", fields)
    assert first.status_code == 422
    assert "Please check this" in text_of(first)
    assert post(patient, "blood_pressure", fields).status_code == 303
    assert kept(patient, "blood_pressure").value == {"systolic": "76", "diastolic": "118"}


def test_an_answer_keeps_its_wording_its_language_and_who_gave_it(patient):
    patient.save("aneurysm_or_avm", aneurysm_or_avm={"": "yes"})
    answer = kept(patient, "aneurysm_or_avm")
    item = questionnaire_of(patient.response).questions["aneurysm_or_avm"]
    assert (answer.question, answer.shown, answer.language, answer.entered_by) == (item.text["en"], "Yes", "en", "self")
    assert datetime.datetime.fromisoformat(answer.at).utcoffset() == datetime.timedelta(0)


@pytest.mark.parametrize("forged", ["", "nonsense", "WyJhIiwxLDBd:1tXx:abc"])
def test_a_page_without_its_ticket_comes_back_with_what_was_typed(patient, forged):
    answered = patient.client.post(patient.url("other_allergies"), {"other_allergies": "latex", "ticket": forged})
    assert answered.status_code == 400
    assert "latex" in text_of(answered)
    assert kept(patient, "other_allergies") is None


def test_the_ticket_of_another_page_does_not_count(patient):
    wrong = ticket(patient, "date_of_birth")
    answered = patient.client.post(patient.url("other_allergies"), {"other_allergies": "latex", "ticket": wrong})
    assert answered.status_code == 400


@pytest.mark.parametrize(
    ("zone", "is_today"), [("Pacific/Kiritimati", True), ("Etc/GMT+12", False), ("America/New_York", False)]
)
def test_today_is_the_date_at_the_clinic_and_a_date_never_moves(patient, zone, is_today):
    patient.clinic.time_zone = zone
    patient.clinic.save()
    # 11:00 UTC on the 23rd is the 24th already at the clinic furthest east.
    moment = datetime.datetime(2026, 11, 23, 11, tzinfo=datetime.UTC)
    with mock.patch("django.utils.timezone.now", return_value=moment):
        day = {".month": "11", ".day": "24", ".year": "2026"}
        assert (patient.save("bp_reading_date", bp_reading_date=day).status_code == 303) == is_today
        patient.save("date_of_birth")
    assert kept(patient, "date_of_birth").shown == "April 27, 1985"


def test_back_leads_to_the_page_before_that_is_asked(patient):
    patient.save("suicide_attempt_ever", suicide_attempt_ever={"": "no"})
    shown = patient.client.get(patient.url("thinking_of_hurting_someone_now"))
    assert shown.context["back_url"] == patient.url("suicide_plan_or_intent_past_month")


def test_a_draft_keeps_the_version_of_the_questions_it_was_started_on(patient):
    source = read_source(questionnaire_reader.SHIPPED)
    name = next(name for name, text in source.items() if "link_id: aneurysm_or_avm" in text)
    question = shipped_questionnaire().questions["aneurysm_or_avm"].text["en"]
    assert question in source[name]
    source[name] = source[name].replace(question, "Was a bulging blood vessel ever found in you?")
    publish_version(
        QuestionnaireVersion, document_id="clinic-intake", label="later", source=source, tree=parse_source(source)
    )
    newer = PatientBrowser(patient.clinic)
    assert question in html.unescape(text_of(patient.client.get(patient.url("aneurysm_or_avm"))))
    assert "bulging" in text_of(newer.client.get(newer.url("aneurysm_or_avm")))


# ── two tabs ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_two_tabs_show_both_answers_and_the_second_save_wins_with_history(patient):
    first = second = ticket(patient, "other_allergies")
    url = patient.url("other_allergies")
    assert patient.client.post(url, {"ticket": first, "other_allergies": "latex"}).status_code == 303
    conflict = patient.client.post(url, {"ticket": second, "other_allergies": "penicillin"})
    assert conflict.status_code == 409
    assert "latex" in text_of(conflict)
    assert "penicillin" in text_of(conflict)
    assert kept(patient, "other_allergies").value == "latex"
    again = patient.client.post(url, {"ticket": conflict.context["ticket"], "other_allergies": "penicillin"})
    assert again.status_code == 303
    assert kept(patient, "other_allergies").value == "penicillin"
    assert [old.value for old in patient.response.document().changes("other_allergies")] == ["latex"]


def test_two_tabs_on_different_pages_do_not_disturb_each_other(patient):
    tickets = {name: ticket(patient, name) for name in ("other_allergies", "aneurysm_or_avm")}
    for name, value in (("other_allergies", "latex"), ("aneurysm_or_avm", "no")):
        saved = patient.client.post(patient.url(name), {"ticket": tickets[name], name: value})
        assert saved.status_code == 303


def test_pressing_save_twice_is_not_taken_for_a_second_tab(patient):
    fields = {"ticket": ticket(patient, "other_allergies"), "other_allergies": "latex"}
    answers = [patient.client.post(patient.url("other_allergies"), fields) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    assert patient.response.document().changes("other_allergies") == []


# ── age ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def born(clinic, *, days_short_of_18: int) -> dict[str, str]:
    today = clinic.today()
    day = today.replace(year=today.year - 18) + datetime.timedelta(days=days_short_of_18)
    return {".month": str(day.month), ".day": str(day.day), ".year": str(day.year)}


def test_somebody_who_turns_18_today_goes_on(patient):
    saved = patient.save("date_of_birth", date_of_birth=born(patient.clinic, days_short_of_18=0))
    assert saved.status_code == 303
    assert "/call/" not in saved["Location"]


def test_somebody_who_turns_18_tomorrow_is_asked_to_call_and_nothing_more(patient):
    saved = patient.save("date_of_birth", date_of_birth=born(patient.clinic, days_short_of_18=1))
    stop = f"/intake/{patient.public_id}/call/"
    assert saved["Location"] == stop
    page = text_of(patient.client.get(stop))
    assert patient.clinic.phone in page
    assert "988" in page
    for path in (
        patient.url("aneurysm_or_avm"),
        f"/intake/{patient.public_id}/",
        f"/intake/{patient.public_id}/check/",
    ):
        assert patient.client.get(path)["Location"] == stop
    refused = patient.client.post(patient.url("aneurysm_or_avm"), {"aneurysm_or_avm": "yes"})
    assert refused["Location"] == stop
    assert kept(patient, "aneurysm_or_avm") is None


def test_a_wrong_date_of_birth_can_be_mended(patient):
    patient.save("date_of_birth", date_of_birth=born(patient.clinic, days_short_of_18=1))
    assert "/call/" not in patient.save("date_of_birth")["Location"]


# ── change from the check page, and what it lists ──────────────────────────────────────────────────────────────────


def test_a_change_from_the_check_page_comes_back_to_it(ready):
    change = ready.client.get(ready.url("aneurysm_or_avm") + "?change=1")
    saved = ready.client.post(
        ready.url("aneurysm_or_avm"), {"ticket": change.context["ticket"], "change": "1", "aneurysm_or_avm": "yes"}
    )
    assert saved["Location"] == f"/intake/{ready.public_id}/check/"


def test_a_change_that_opens_a_question_leads_to_that_question(ready):
    change = ready.client.get(ready.url("psychosis_ever_diagnosed") + "?change=1")
    saved = ready.client.post(
        ready.url("psychosis_ever_diagnosed"),
        {"ticket": change.context["ticket"], "change": "1", "psychosis_ever_diagnosed": "yes"},
    )
    assert saved["Location"].partition("?")[0] == ready.url("psychosis_only_with_substances")


def test_every_answer_stands_on_the_check_page_as_it_was_given(patient):
    patient.answers["other_allergies"] = {"": "Latex: a rash"}
    patient.fill_in()
    page = text_of(patient.client.get(f"/intake/{patient.public_id}/check/"))
    for words in ("April 27, 1985", "New York", "Latex: a rash", "118 over 76", "5 ft 8 in", "Signed by Sam Sample"):
        assert words in page


# ── other browsers ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["", "1/", "check/", "done/", "call/"])
def test_another_browser_can_not_open_a_draft(patient, place):
    patient.save("legal_given_name", legal_given_name={"": "Quixotina"})
    answered = Client().get(f"/intake/{patient.public_id}/{place}")
    assert answered.status_code == 404
    assert "Quixotina" not in text_of(answered)
    assert "988" in text_of(answered)


def test_the_pass_of_one_draft_does_not_open_another(patient):
    other = PatientBrowser(make_clinic("hillside"))
    assert other.client.get(patient.url("date_of_birth")).status_code == 404


def test_another_browser_can_not_submit_a_draft(ready):
    answered = Client().post(f"/intake/{ready.public_id}/submit/", {"idempotency_key": "x"})
    assert answered.status_code == 404
    assert ready.response.is_draft


def test_a_post_from_another_browser_without_a_ticket_saves_nothing(patient):
    assert Client().post(patient.url("other_allergies"), {"other_allergies": "latex"}).status_code == 404
    assert kept(patient, "other_allergies") is None


# ── late posts ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_late_post_without_any_cookie_is_kept_and_shows_nothing_of_the_draft(patient):
    patient.save("legal_given_name", legal_given_name={"": "Quixotina"})
    late = Client().post(
        patient.url("other_allergies"), {"ticket": ticket(patient, "other_allergies"), "other_allergies": "latex"}
    )
    assert late.status_code == 403
    assert kept(patient, "other_allergies").value == "latex"
    assert "kept" in text_of(late)
    assert "Quixotina" not in text_of(late)
    assert not late.cookies


def test_a_late_post_without_a_csrf_cookie_is_kept(patient):
    late = Client(enforce_csrf_checks=True).post(
        patient.url("other_allergies"), {"ticket": ticket(patient, "other_allergies"), "other_allergies": "latex"}
    )
    assert late.status_code == 403
    assert kept(patient, "other_allergies").value == "latex"
    assert patient.response.reference in text_of(late)


def test_a_post_without_a_csrf_cookie_and_with_a_forged_ticket_saves_nothing(patient):
    late = Client(enforce_csrf_checks=True).post(
        patient.url("other_allergies"), {"ticket": "forged", "other_allergies": "latex"}
    )
    assert late.status_code in (403, 404)
    assert kept(patient, "other_allergies") is None


def test_a_late_post_that_can_not_be_read_is_kept_as_typed(patient):
    Client().post(
        patient.url("date_of_birth"), {"ticket": ticket(patient, "date_of_birth"), "date_of_birth.year": "85"}
    )
    assert kept(patient, "date_of_birth").value == {"year": ["85"]}


def test_a_late_post_does_not_overwrite_what_was_saved_since_but_is_kept_beside_it(patient):
    old = ticket(patient, "other_allergies")
    patient.save("other_allergies", other_allergies={"": "latex"})
    late = Client().post(patient.url("other_allergies"), {"ticket": old, "other_allergies": "penicillin"})
    assert late.status_code == 403
    assert kept(patient, "other_allergies").value == "latex"
    assert "penicillin" in [answer.value for answer in patient.response.document().changes("other_allergies")]


def test_a_late_text_that_is_too_long_to_keep_is_not_said_to_be_kept(patient):
    late = Client().post(
        patient.url("other_allergies"),
        {"ticket": ticket(patient, "other_allergies"), "other_allergies": "It itches. " * 9_000},
    )
    assert late.status_code == 403
    assert "could not be saved" in text_of(late)


# ── after sending ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_page_posted_after_sending_is_refused_with_what_was_typed(ready):
    open_page = ticket(ready, "other_allergies")
    ready.submit()
    late = ready.client.post(ready.url("other_allergies"), {"ticket": open_page, "other_allergies": "penicillin"})
    assert late.status_code == 409
    assert "penicillin" in text_of(late)
    assert kept(ready, "other_allergies").value == "none"


def test_a_very_long_text_posted_after_sending_still_stands_on_the_page(ready):
    open_page, text = ticket(ready, "other_allergies"), "It itches. " * 9_000
    ready.submit()
    late = ready.client.post(ready.url("other_allergies"), {"ticket": open_page, "other_allergies": text})
    assert late.status_code == 409
    assert text.strip() in text_of(late)


def test_a_hand_made_post_after_sending_is_refused_with_what_was_typed(ready):
    ready.submit()
    late = ready.client.post(ready.url("other_allergies"), {"other_allergies": "penicillin"})
    assert late.status_code == 409
    assert "penicillin" in text_of(late)


def test_the_pages_of_a_sent_form_lead_to_its_confirmation(ready):
    ready.submit()
    for place in ("", "1/", "check/"):
        assert ready.client.get(f"/intake/{ready.public_id}/{place}")["Location"].endswith("/done/")


def test_the_confirmation_names_the_reference_and_what_happens_next(ready):
    ready.submit()
    page = text_of(ready.client.get(f"/intake/{ready.public_id}/done/"))
    assert ready.response.reference in page
    assert "What happens next" in page
    assert ready.clinic.phone in page
