"""How long a draft stays open in its browser, what is shown afterwards, and leaving in a hurry."""

import datetime
import re
from unittest import mock

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from django.utils import timezone

from clinic_site.audit.models import AuditEvent
from intake.access import LEFT_COOKIE, Pass, pass_cookie
from tests.conftest import shipped_questionnaire
from tests.intake.drafts import filled
from tests.intake.returning import SECOND, open_draft, with_ways
from tests.patients import PatientBrowser

pytestmark = pytest.mark.django_db
AT = "django.utils.timezone.now"


@pytest.fixture(autouse=True)
def _quick_hashes(settings) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def patient(published, clinic) -> PatientBrowser:
    """Somebody who gave a name and opened the next page."""
    patient = PatientBrowser(clinic)
    patient.save("legal_given_name", legal_given_name={"": "Quixotina"})
    return patient


def later(**ahead: float):
    return mock.patch(AT, return_value=timezone.now() + datetime.timedelta(**ahead))


def get(patient: PatientBrowser, place: str = ""):
    return patient.client.get(f"/intake/{patient.public_id}/{place}")


def cookie(patient: PatientBrowser) -> str:
    return patient.client.cookies[pass_cookie(patient.public_id)].value


def browser_with(patient: PatientBrowser, value: str) -> Client:
    client = Client()
    client.cookies[pass_cookie(patient.public_id)] = value
    return client


# ── a pause ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", ["", "1/", "check/", "call/", "return/", "done/"])
def test_after_twenty_minutes_every_page_asks_whether_one_is_still_there(patient, place):
    get(patient)
    with later(minutes=19, seconds=55):
        assert get(patient, place).status_code in (200, 302)
    with later(minutes=19 + 20, seconds=56):
        asleep = get(patient, place)
    assert asleep.status_code == 403
    assert "Are you still there?" in asleep.content.decode()
    assert "988" in asleep.content.decode()


def test_nothing_of_the_draft_stands_on_the_page_after_a_pause(patient):
    link = patient.url("legal_given_name")
    with later(minutes=21):
        page = patient.client.get(link).content.decode()
    assert "Quixotina" not in page
    assert patient.response.reference not in page


def test_the_same_browser_goes_on_with_one_press(patient):
    with later(minutes=21):
        assert patient.wake().status_code == 303
        assert patient.client.get(patient.url("legal_given_name")).status_code == 200


def test_looking_at_the_question_whether_one_is_still_there_opens_nothing(patient):
    with later(minutes=21):
        get(patient, "continue/")
        assert get(patient).status_code == 403


def test_every_page_that_is_opened_counts_as_use(patient):
    for minutes in range(10, 120, 10):
        with later(minutes=minutes):
            assert get(patient).status_code == 200


def test_after_four_hours_a_draft_in_use_asks_too(patient):
    started = timezone.now()
    for minutes in range(15, 240, 15):
        with mock.patch(AT, return_value=started + datetime.timedelta(minutes=minutes - 1)):
            assert get(patient).status_code == 200
    with mock.patch(AT, return_value=started + datetime.timedelta(hours=4, seconds=1)):
        assert get(patient).status_code == 403


def test_a_page_posted_after_a_pause_is_kept_and_shows_nothing(patient):
    ticket = patient.client.get(patient.url("other_allergies")).context["ticket"]
    with later(minutes=45):
        late = patient.client.post(patient.url("other_allergies"), {"ticket": ticket, "other_allergies": "latex"})
        assert late.status_code == 403
        assert "Quixotina" not in late.content.decode()
        assert patient.response.document().value("other_allergies") == "latex"
        assert re.search(rf'action="/intake/{patient.public_id}/continue/"', late.content.decode())
        assert patient.wake().status_code == 303


def test_a_call_for_help_is_heard_after_a_pause(patient):
    with later(minutes=45):
        answer = patient.client.post(f"/intake/{patient.public_id}/help/", {"reply": "need_help"})
    assert answer["Location"].endswith("/help/thanks/")


def test_sending_after_a_pause_asks_first_and_loses_nothing(published, clinic):
    ready = filled(clinic)
    with later(minutes=21):
        key = {"idempotency_key": "0190b0c8-0000-7000-8000-000000000000"}
        assert ready.client.post(f"/intake/{ready.public_id}/submit/", key).status_code == 403
        assert ready.response.is_draft
        ready.wake()
        assert ready.submit()["Location"].endswith("/done/")


def test_a_pass_with_changed_times_or_of_a_key_that_is_gone_keeps_the_draft_shut(patient):
    token = cookie(patient).partition(":")[0]
    far = timezone.now().timestamp() + 10**6
    for value in (token, f"{token}:{far}:{far}:0:forged", Pass(token, far, far).written()[:-3] + "abc"):
        client = browser_with(patient, value)
        assert client.get(f"/intake/{patient.public_id}/").status_code == 403
        assert client.post(f"/intake/{patient.public_id}/continue/").status_code == 303
        assert client.get(f"/intake/{patient.public_id}/").status_code == 200


def test_another_browser_can_not_say_that_it_is_still_there(patient):
    other = Client()
    assert other.post(f"/intake/{patient.public_id}/continue/").status_code == 404
    assert not other.cookies


def test_on_a_shared_device_the_second_thing_is_asked_for_after_a_pause(published, clinic):
    patient, _code = with_ways(clinic, on_paper="1", everywhere="1")
    with later(minutes=21):
        assert 'name="second"' in get(patient).content.decode()
        assert "problems" not in str(patient.client.post(f"/intake/{patient.public_id}/continue/").content)
        assert get(patient).status_code == 403
        for second in ("", "000111"):
            answer = patient.client.post(f"/intake/{patient.public_id}/continue/", {"second": second})
            assert answer.status_code == 422
            assert get(patient).status_code == 403
        patient.client.post(f"/intake/{patient.public_id}/continue/", {"second": SECOND})
        assert get(patient).status_code == 200


def test_on_an_own_device_no_second_thing_is_asked_for(published, clinic):
    patient, _code = with_ways(clinic, on_paper="1")
    with later(days=3):
        assert 'name="second"' not in get(patient).content.decode()
        assert patient.wake().status_code == 303


# ── leaving in a hurry ─────────────────────────────────────────────────────────────────────────────────────────────


def test_leaving_shuts_the_draft_and_every_copy_of_its_cookie(patient):
    copy = cookie(patient)
    left = patient.client.post("/leave/")
    assert left.status_code == 200
    for client in (patient.client, browser_with(patient, copy)):
        page = client.get(patient.url("legal_given_name"))
        assert page.status_code == 403
        assert "Quixotina" not in page.content.decode()
        assert patient.clinic.name not in page.content.decode()
        assert client.get(f"/intake/{patient.public_id}/continue/").status_code == 403
    assert AuditEvent.objects.filter(action="response.left").count() == 1


def test_who_left_without_another_way_back_goes_on_from_the_clinic_s_first_page(patient):
    left = patient.client.post("/leave/")
    assert '"cookies"' not in left["Clear-Site-Data"]
    assert "Continue your form" in patient.client.get("/at/riverside/").content.decode()
    assert patient.wake().status_code == 303
    assert "Quixotina" in patient.client.get(patient.url("legal_given_name")).content.decode()


def test_who_left_with_another_way_back_leaves_a_browser_that_knows_nothing(published, clinic):
    patient, code = with_ways(clinic, on_paper="1")
    copy = cookie(patient)
    left = patient.client.post("/leave/")
    assert left["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert cookie(patient) == ""
    assert "Continue your form" not in patient.client.get("/at/riverside/").content.decode()
    assert browser_with(patient, copy).get(f"/intake/{patient.public_id}/").status_code == 404
    assert browser_with(patient, copy).post(f"/intake/{patient.public_id}/continue/").status_code == 404
    assert open_draft(clinic, code=code).status_code == 303


def test_leaving_leads_to_a_page_about_the_weather_that_says_nothing(patient):
    left = patient.client.post("/leave/")
    page = left.content.decode()
    assert 'http-equiv="refresh" content="0; url=https://www.weather.gov/"' in page
    assert left["Referrer-Policy"] == "no-referrer"
    assert "no-store" in left["Cache-Control"]
    assert [
        w for w in (patient.clinic.name, "988", "form", patient.public_id) if w in page.replace("/leave/", "")
    ] == []


def test_the_page_for_people_in_danger_says_nothing_of_before_after_leaving(patient):
    patient.client.post("/leave/")
    page = get(patient, "help/")
    assert page.status_code == 200
    assert "988" in page.content.decode()
    said = [patient.clinic.name, "Thank you for telling us", f"/intake/{patient.public_id}/"]
    assert [words for words in said if words in page.content.decode()] == []
    answer = patient.client.post(f"/intake/{patient.public_id}/help/", {"reply": "need_help"})
    assert answer["Location"].endswith("/help/thanks/")


def test_leaving_needs_no_cookie_and_no_token(published):
    left = Client(enforce_csrf_checks=True).post("/leave/")
    assert left.status_code == 200
    assert '"cache"' in left["Clear-Site-Data"]


def test_a_link_or_a_foreign_site_can_not_make_a_person_leave(patient):
    assert patient.client.get("/leave/").status_code == 405
    assert patient.client.post("/leave/", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert get(patient).status_code == 200


def test_leaving_works_while_the_database_is_away(patient):
    with mock.patch("intake.return_views.leave_draft", side_effect=OperationalError("away")):
        left = patient.client.post("/leave/")
    assert left.status_code == 200
    assert get(patient).status_code == 403
    assert patient.wake().status_code == 303


def test_leaving_after_sending_makes_the_browser_forget(published, clinic):
    ready = filled(clinic)
    ready.submit()
    assert '"cookies"' in ready.client.post("/leave/")["Clear-Site-Data"]
    assert get(ready, "done/").status_code == 404


def test_a_page_on_its_way_while_the_person_leaves_does_not_open_the_draft_again(patient):
    """Its answer marks the cookie as used a moment after the draft was shut."""
    token, opened, _seen, _own = cookie(patient).split(":")[:4]
    patient.client.post("/leave/")
    after = Pass(token, float(opened), timezone.now().timestamp() + 1).written()
    assert browser_with(patient, after).get(f"/intake/{patient.public_id}/").status_code == 403


def leave_with_a_script(patient: PatientBrowser) -> None:
    """What the script leaves behind before the server has heard of it."""
    patient.client.cookies[LEFT_COOKIE] = "1"


@pytest.mark.parametrize("place", ["", "1/", "check/", "call/", "return/", "done/", "continue/"])
def test_back_shows_nothing_while_leaving_is_on_its_way(patient, place):
    leave_with_a_script(patient)
    page = get(patient, place)
    assert page.status_code == 403
    said = ["Quixotina", patient.clinic.name]
    assert [words for words in said if words in page.content.decode()] == []
    assert pass_cookie(patient.public_id) not in page.cookies
    help_page = get(patient, "help/")
    assert help_page.status_code == 200
    assert patient.clinic.name not in help_page.content.decode()


def test_the_mark_of_leaving_is_gone_once_the_server_knows(patient):
    leave_with_a_script(patient)
    left = patient.client.post("/leave/")
    assert left.cookies[LEFT_COOKIE]["max-age"] == 0
    assert patient.response.closed_at is not None
    assert get(patient).status_code == 403


def test_who_left_with_a_script_goes_on_from_the_clinic_s_first_page(patient):
    leave_with_a_script(patient)
    assert "Continue your form" in patient.client.get("/at/riverside/").content.decode()
    opened = patient.wake()
    assert (opened.status_code, opened.cookies[LEFT_COOKIE]["max-age"]) == (303, 0)
    assert "Quixotina" in patient.client.get(patient.url("legal_given_name")).content.decode()


def test_a_mark_of_leaving_does_not_shut_a_form_begun_later(patient):
    leave_with_a_script(patient)
    begun = patient.client.post("/at/riverside/")
    assert patient.client.get(begun["Location"]).status_code == 200


def test_what_the_script_sends_while_leaving_is_kept(patient):
    ticket = patient.client.get(patient.url("other_allergies")).context["ticket"]
    leave_with_a_script(patient)
    patient.client.post(patient.url("other_allergies"), {"ticket": ticket, "other_allergies": "latex"})
    assert patient.response.document().value("other_allergies") == "latex"


def test_what_is_typed_is_kept_when_it_arrives_after_leaving(published, clinic):
    patient, _code = with_ways(clinic, on_paper="1")
    ticket = patient.client.get(patient.url("other_allergies")).context["ticket"]
    patient.client.post("/leave/")
    patient.client.post(patient.url("other_allergies"), {"ticket": ticket, "other_allergies": "latex"})
    assert patient.response.document().value("other_allergies") == "latex"


PLACES = ["/", "/help-now/", "/at/riverside/", "/at/riverside/continue/", "/at/riverside/continue/open/", "/nowhere/"]


def test_every_page_of_a_patient_has_a_button_to_leave(published, clinic):
    ready = filled(clinic)
    own = ["", "1/", "check/", "return/", "continue/", "help/", "call/"]
    pages = [ready.client.get(path) for path in PLACES] + [get(ready, place) for place in own]
    pages.append(Client().get(f"/intake/{ready.public_id}/"))
    ready.submit()
    pages.append(get(ready, "done/"))
    for page in pages:
        form = re.search(r'<form[^>]*action="/leave/".*?</form>', page.content.decode(), re.DOTALL)
        assert form, page.request["PATH_INFO"]
        assert 'method="post"' in form.group()


# ── what a browser may keep ────────────────────────────────────────────────────────────────────────────────────────

BOX = re.compile(r"<(?:input|textarea|select)\b[^>]*>")


def boxes_of(patient: PatientBrowser):
    """(page, box) of every box that a person can fill in, on every page."""
    for page in shipped_questionnaire().pages:
        shown = get(patient, f"{page.number}/")
        if shown.status_code == 200:
            found = BOX.findall(shown.content.decode())
            yield from ((page, box) for box in found if 'type="hidden"' not in box)


def test_no_box_is_filled_in_or_kept_by_the_browser_on_a_device_that_others_may_use(patient):
    boxes = list(boxes_of(patient))
    assert len(boxes) > 200
    assert [box for _page, box in boxes if 'autocomplete="off"' not in box] == []


def test_on_an_own_device_only_names_and_contact_details_are_filled_in(published, clinic):
    patient = PatientBrowser(clinic)
    patient.client.cookies.clear()
    patient.public_id = patient.client.post("/at/riverside/", {"own_device": "1"})["Location"].split("/")[2]
    tokens = {}
    for page, box in boxes_of(patient):
        token = re.search(r'autocomplete="([^"]*)"', box)
        assert token, box
        if token.group(1) != "off":
            tokens.setdefault(token.group(1), page)
    assert {"given-name", "family-name", "tel", "email"} <= set(tokens)
    clinical = [name for name, page in tokens.items() if any(q.clinical for q in page.questions) and name != "name"]
    assert [name for name in clinical if not name.startswith("bday")] == []


def test_no_text_is_sent_to_a_spelling_service(patient):
    written = [box for _page, box in boxes_of(patient) if box.startswith("<textarea") or 'type="text"' in box]
    assert len(written) > 40
    assert [box for box in written if 'spellcheck="false"' not in box] == []


def test_the_cookie_of_a_draft_is_closed_to_scripts_and_other_sites(patient):
    morsel = patient.client.cookies[pass_cookie(patient.public_id)]
    assert (morsel["httponly"], morsel["samesite"], morsel["path"], morsel["domain"]) == (True, "Lax", "/", "")
    assert settings.PLAIN_HTTP or morsel["secure"]
    assert "Quixotina" not in morsel.value


def test_a_page_sent_in_the_background_by_somebody_who_leaves_gives_no_pass_back(published, clinic):
    patient = PatientBrowser(clinic)
    number = patient.number("legal_given_name")
    url = patient.url("legal_given_name")
    posted = {**patient.posted(number), "ticket": patient.client.get(url).context["ticket"]}
    saved = patient.client.post(url, posted, headers={"sec-fetch-mode": "no-cors"})
    assert saved.status_code == 303
    assert pass_cookie(patient.public_id) not in saved.cookies
    assert pass_cookie(patient.public_id) in patient.client.get(url, headers={"sec-fetch-mode": "navigate"}).cookies
