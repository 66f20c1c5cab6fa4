"""Every kind of page that a patient or a member of staff can come to, and how a browser gets there."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.test import Client, override_settings
from playwright.sync_api import Page, expect

from clinic_site.accounts.factors import add_app, has_second_factor
from clinic_site.accounts.models import User
from clinic_site.clinics.models import Clinic
from screening.models import Case
from tests.conftest import APP_SECRET, PASSWORD, make_user
from tests.journeys.conftest import OpenPage, go_on_as, save
from tests.patients import PatientBrowser

SEVERAL_FLAGS = {
    "aneurysm_or_avm": {"": "yes"},
    "severe_aortic_stenosis": {"": "not_sure"},
    "seizure_ever": {"": "yes"},
    "breastfeeding": {"": "yes"},
    "medicines": {
        ".name": ["Nardil", "unheardofin"],
        ".dose": ["15 mg", ""],
        ".frequency": ["", ""],
        ".reason": ["", ""],
    },
    "other_allergies": {"": "penicillin\nדבורים"},
}


class Stage:
    """People in every state that has a page of its own, and one browser for the patient and one for staff."""

    def __init__(self, clinic: Clinic, open_page: OpenPage) -> None:
        self.clinic = clinic
        self.phone, self.desk = open_page(scripts=True), open_page(scripts=True)
        self.waiting = self._sent(SEVERAL_FLAGS)
        self.decided = self._sent({})
        self.clinician, self.front_desk = make_user("clinician", clinic), make_user("front-desk", clinic)
        self._decide()

    def _sent(self, answers: dict[str, Any]) -> Case:
        patient = PatientBrowser(self.clinic, answers).fill_in()
        assert patient.submit().status_code == 303
        return Case.objects.get(response__public_id=patient.public_id)

    def _decide(self) -> None:
        client, root = Client(), f"/review/{self.decided.reference}/"
        client.force_login(self.clinician)
        client.post(f"{root}claim/")
        client.post(f"{root}record/identity/", {"verified": "yes", "observed_on": self.clinic.today(), "note": ""})
        shown = client.get(root).context["decision_form"].initial["shown_sha256"]
        words = "Nothing stands against a visit."
        client.post(f"{root}decision/", {"outcome": "proceed-to-evaluation", "words": words, "shown_sha256": shown})
        self.decided.refresh_from_db()
        assert not self.decided.is_open

    def patient(self, answers: dict[str, Any] | None = None) -> PatientBrowser:
        """A new draft that the phone holds."""
        patient = PatientBrowser(self.clinic, answers)
        go_on_as(self.phone, patient)
        return patient

    def go(self, path: str) -> Page:
        self.phone.goto(path)
        return self.phone

    def staff(self, user: User, path: str) -> Page:
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        self.desk.context.clear_cookies()
        self.desk.context.add_cookies(
            [{"name": name, "value": client.cookies[name].value, "domain": "localhost", "path": "/", "httpOnly": True}]
        )
        self.desk.goto(path)
        return self.desk


Kind = Callable[[Stage], Page]


def question(link_id: str, answers: dict[str, Any] | None = None) -> Kind:
    def opened(stage: Stage) -> Page:
        return stage.go(stage.patient(answers).url(link_id))

    return opened


def mistaken(link_id: str, **typed: str) -> Kind:
    """The page of a question after it was sent blank, or with what can not be read."""

    def opened(stage: Stage) -> Page:
        page = stage.go(stage.patient().url(link_id))
        for label, text in typed.items():
            page.get_by_label(label.replace("_", " ")).first.fill(text)
        save(page)
        expect(page.locator(".problems")).to_be_visible()
        return page

    return opened


def part(suffix: str) -> Kind:
    """A page of a draft that has just begun."""
    return lambda stage: stage.go(f"/intake/{stage.patient().public_id}/{suffix}")


def unfinished(stage: Stage) -> Page:
    stage.patient()
    return stage.go("/at/riverside/")


def filled_in(stage: Stage) -> Page:
    patient = stage.patient(SEVERAL_FLAGS)
    patient.fill_in()
    return stage.go(f"/intake/{patient.public_id}/check/")


def sent_too_early(stage: Stage) -> Page:
    page = part("check/")(stage)
    page.get_by_role("button", name="Send my answers").click()
    expect(page.locator(".problems")).to_be_visible()
    return page


def done(stage: Stage) -> Page:
    patient = stage.patient()
    patient.fill_in().submit()
    return stage.go(f"/intake/{patient.public_id}/done/")


def who_looked(stage: Stage) -> Page:
    page = done(stage)
    clinician = Client()
    clinician.force_login(stage.clinician)
    clinician.get(f"/review/{Case.objects.order_by('id').last().reference}/")
    page.get_by_role("link", name="See who at the clinic looked at your form").click()
    expect(page.locator("main")).to_contain_text("Clinician")
    return page


def replied(stage: Stage) -> Page:
    page = part("help/")(stage)
    page.get_by_role("button", name="I am safe for now").click()
    return page


def stopped(stage: Stage) -> Page:
    patient = stage.patient()
    patient.save(
        "date_of_birth", date_of_birth={".month": "1", ".day": "1", ".year": str(stage.clinic.today().year - 16)}
    )
    return stage.go(f"/intake/{patient.public_id}/call/")


def changed_elsewhere(stage: Stage) -> Page:
    patient = stage.patient()
    page = stage.go(patient.url("legal_given_name"))
    patient.save("legal_given_name", legal_given_name={"": "Robin"})
    page.get_by_label("Legal first name").fill("Sam")
    page.get_by_label("Legal last name").fill("Sample")
    save(page)
    expect(page.locator("main")).to_contain_text("another tab")
    return page


def late(stage: Stage) -> Page:
    page = stage.go(stage.patient().url("aneurysm_or_avm"))
    page.locator('[name="aneurysm_or_avm"][value="no"]').check()
    page.context.clear_cookies()
    save(page)
    expect(page.locator("h1")).to_have_text("Your answer is kept")
    return page


def sent_elsewhere(stage: Stage) -> Page:
    patient = stage.patient().fill_in()
    page = stage.go(patient.url("other_allergies"))
    patient.submit()
    page.get_by_role("textbox").fill("peanuts")
    save(page)
    expect(page.locator("h1")).to_have_text("Your answers were sent already")
    return page


def no_access(stage: Stage) -> Page:
    public_id = stage.patient().public_id
    stage.phone.context.clear_cookies()
    return stage.go(f"/intake/{public_id}/")


def closed_clinic(stage: Stage) -> Page:
    stage.phone.context.clear_cookies()
    Clinic.objects.filter(pk=stage.clinic.pk).update(is_accepting=False)
    page = stage.go("/at/riverside/")
    Clinic.objects.filter(pk=stage.clinic.pk).update(is_accepting=True)
    return page


def too_often(stage: Stage) -> Page:
    stage.phone.context.clear_cookies()
    page = stage.go("/at/riverside/")
    with override_settings(DRAFTS_PER_HOUR=0):
        page.get_by_role("button", name="Start now").click()
    expect(page.locator("h1")).to_have_text("That was too often in a short time")
    return page


def ways_form(stage: Stage) -> Page:
    patient = stage.patient({"email": {"": "sam@example.com"}})
    patient.save("phone")
    return stage.go(f"/intake/{patient.public_id}/return/")


def ways_mistaken(stage: Stage) -> Page:
    page = ways_form(stage)
    page.get_by_label("Six digits or a passphrase").fill("123456")
    save(page)
    expect(page.locator(".problems")).to_be_visible()
    return page


def ways_kept(stage: Stage) -> Page:
    page = ways_form(stage)
    page.get_by_label("Six digits or a passphrase").fill("481516")
    page.get_by_label("The same once more").fill("481516")
    page.get_by_label("Show me a code to write down").check()
    page.get_by_label("After a pause, ask me here too").check()
    save(page)
    expect(page.locator(".reference")).to_be_visible()
    return page


def ways_changed(stage: Stage) -> Page:
    path = ways_kept(stage).url
    return stage.go(path)


def asleep_with_second(stage: Stage) -> Page:
    page = ways_kept(stage)
    page.goto(page.url.replace("/return/", "/continue/"))
    page.get_by_role("button", name="Go on").click()
    expect(page.locator(".problems")).to_be_visible()
    return page


def still_there(stage: Stage) -> Page:
    page = part("")(stage)
    page.locator("[data-idle]").evaluate("notice => { notice.hidden = false; }")
    return page


def left(stage: Stage) -> Page:
    patient = stage.patient()
    patient.client.post("/leave/")
    return stage.go(f"/intake/{patient.public_id}/")


def asked_for_link(stage: Stage) -> Page:
    page = stage.go("/at/riverside/continue/")
    page.get_by_label("Email").fill("nobody@example.com")
    page.get_by_role("button", name="Mail me a link").click()
    expect(page.locator("h1")).to_have_text("Look at your mail")
    return page


def not_opened(stage: Stage) -> Page:
    page = stage.go("/at/riverside/continue/open/")
    page.get_by_label("The code").fill("00000000")
    page.get_by_label("Your six digits or your passphrase").fill("481516")
    page.get_by_role("button", name="Open my form").click()
    expect(page.locator(".problems")).to_be_visible()
    return page


def too_many_tries(stage: Stage) -> Page:
    page = stage.go("/at/riverside/continue/open/")
    for _time in range(12):
        client = Client()
        client.post("/at/riverside/continue/open/", {"code": "00000000", "second": "481516"})
    page.get_by_label("The code").fill("00000000")
    page.get_by_label("Your six digits or your passphrase").fill("481516")
    page.get_by_role("button", name="Open my form").click()
    expect(page.locator("h1")).to_have_text("Please wait a little")
    return page


PATIENT_PAGES: dict[str, Kind] = {
    "start": lambda stage: stage.go("/at/riverside/"),
    "ways to come back": ways_form,
    "ways to come back, mistaken": ways_mistaken,
    "ways to come back, kept": ways_kept,
    "ways to come back, changed": ways_changed,
    "away for a while": part("continue/"),
    "away for a while, wrong second thing": asleep_with_second,
    "closes in two minutes": still_there,
    "left in a hurry": left,
    "go on with a form": lambda stage: stage.go("/at/riverside/continue/"),
    "link asked for": asked_for_link,
    "open with a code": lambda stage: stage.go("/at/riverside/continue/open/"),
    "open with a code, refused": not_opened,
    "too many tries": too_many_tries,
    "start, unfinished form": unfinished,
    "start, no new forms": closed_clinic,
    "text to read": part("1/"),
    "date": question("date_of_birth"),
    "choice from a list": question("state_now"),
    "choice": question("aneurysm_or_avm"),
    "choice of an instrument": question("wished_dead_past_few_weeks"),
    "item of a scale": question("phq9_1_little_interest"),
    "list with a box for the rest": question("eyes_and_glands"),
    "several choices": question("emergency_symptoms_now"),
    "group of texts": question("legal_given_name"),
    "group of choices": question("adult_escort_available"),
    "phone and mail": question("phone"),
    "height and weight": question("height"),
    "blood pressure and date": question("blood_pressure"),
    "partial date": question("last_heart_attack_or_stroke_date", {"heart_attack_or_stroke_ever": {"": "yes"}}),
    "medicines": question("medicines"),
    "address": question("address"),
    "long text": question("other_allergies"),
    "signature": question("esign_consent"),
    "signature that may be declined": question("privacy_notice_acknowledgment"),
    "error: date": mistaken("date_of_birth"),
    "error: choice from a list": mistaken("state_now"),
    "error: choice": mistaken("aneurysm_or_avm"),
    "error: several choices": mistaken("emergency_symptoms_now"),
    "error: group of texts": mistaken("legal_given_name"),
    "error: group of choices": mistaken("adult_escort_available"),
    "error: phone and mail": mistaken("phone", Email="not an address"),
    "error: height and weight": mistaken("height", Feet="tall"),
    "error: blood pressure and date": mistaken("blood_pressure", Top_number="high"),
    "error: medicines": mistaken("medicines"),
    "error: address": mistaken("address", ZIP_code="nowhere"),
    "error: long text": mistaken("other_allergies"),
    "error: signature": mistaken("esign_consent"),
    "error: signature that may be declined": mistaken("privacy_notice_acknowledgment"),
    "saved in another tab": changed_elsewhere,
    "parts of the form": part(""),
    "check, just begun": part("check/"),
    "check, filled in": filled_in,
    "check, sent too early": sent_too_early,
    "done": done,
    "who looked": who_looked,
    "help": part("help/"),
    "help, replied": replied,
    "help without a form": lambda stage: stage.go("/help-now/"),
    "under 18": stopped,
    "late": late,
    "sent already": sent_elsewhere,
    "not this browser": no_access,
    "too often": too_often,
    "not this way": lambda stage: stage.go(f"/intake/{stage.patient().public_id}/submit/"),
    "not found": lambda stage: stage.go("/nothing/here/"),
    "home": lambda stage: stage.go("/"),
}  # fmt: skip


def signed_out(stage: Stage) -> Page:
    stage.desk.context.clear_cookies()
    stage.desk.goto("/sign-in/")
    return stage.desk


def wrong_password(stage: Stage) -> Page:
    page = signed_out(stage)
    page.get_by_label("Email address").fill("nobody@riverside.example")
    page.get_by_label("Password").fill("wrong")
    page.get_by_role("button", name="Sign in").click()
    return page


def second_step(stage: Stage) -> Page:
    page, user = signed_out(stage), make_user("clinician", stage.clinic)
    user.set_password(PASSWORD)
    user.save()
    add_app(user, APP_SECRET)
    page.get_by_label("Email address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("h1")).to_have_text("Your second step")
    return page


def wrong_code_of_app(stage: Stage) -> Page:
    page = second_step(stage)
    page.get_by_label("Code from your app").fill("000000")
    page.get_by_role("button", name="Go on").click()
    return page


def confirming(stage: Stage) -> Page:
    if not has_second_factor(stage.clinician):
        add_app(stage.clinician, APP_SECRET)
    return stage.staff(stage.clinician, "/confirm/")


def new_codes(stage: Stage) -> Page:
    page = stage.staff(stage.clinician, "/factors/")
    page.get_by_role("button", name="Make ten new codes").click()
    return page


def link_asked_for(stage: Stage) -> Page:
    stage.desk.context.clear_cookies()
    stage.desk.goto("/password/forgotten/")
    stage.desk.get_by_label("Your email address").fill("nobody@riverside.example")
    stage.desk.get_by_role("button", name="Send the link").click()
    return stage.desk


def link_gone_bad(stage: Stage) -> Page:
    stage.desk.context.clear_cookies()
    stage.desk.goto("/password/new/")
    stage.desk.get_by_label("Code from the mail").fill("0" * 32 + ".a-b")
    stage.desk.get_by_role("button", name="Set the password").click()
    return stage.desk


def joining(stage: Stage) -> Page:
    stage.desk.context.clear_cookies()
    stage.desk.goto("/join/")
    return stage.desk


def wrong_code(stage: Stage) -> Page:
    page = joining(stage)
    page.get_by_label("Code from the mail").fill("not a code")
    page.get_by_role("button", name="Keep this password").click()
    return page


def found(stage: Stage) -> Page:
    page = stage.staff(stage.front_desk, "/review/find/")
    page.get_by_label("Legal first name").fill("Sam")
    page.get_by_label("Legal last name").fill("Sample")
    page.get_by_label("Date of birth").fill("1985-04-27")
    page.get_by_role("button", name="Find").click()
    expect(page.locator(".found")).to_be_visible()
    return page


def case_of_others(stage: Stage) -> Page:
    """Where a clinician is asked for a reason."""
    return stage.staff(make_user("clinician", stage.clinic), f"/review/{stage.decided.reference}/")


def without_a_reason(stage: Stage) -> Page:
    page = case_of_others(stage)
    page.get_by_role("button", name="Open this case").click()
    expect(page.locator(".invalid-feedback").first).to_be_visible()
    return page


def opened_with_a_reason(stage: Stage) -> Page:
    page = case_of_others(stage)
    page.get_by_label("Why do you need to open it?").fill("The patient is on the phone, and nobody else is here.")
    page.get_by_role("button", name="Open this case").click()
    expect(page.locator(".notice--bad").first).to_contain_text("This is not your case.")
    return page


def not_looked_up(stage: Stage) -> Page:
    page = stage.staff(stage.front_desk, "/review/find/")
    page.get_by_role("button", name="Find").click()
    return page


def case_of_mine(stage: Stage) -> Page:
    page = stage.staff(stage.clinician, f"/review/{stage.waiting.reference}/")
    if page.get_by_role("button", name="Claim").count():
        page.get_by_role("button", name="Claim").click()
    for form in page.locator("details").all():
        form.locator("summary").click()
    return page


def closed_without_reason(stage: Stage) -> Page:
    page = case_of_mine(stage)
    page.locator("details.close-flag").first.get_by_role("button").click()
    expect(page.locator(".invalid-feedback").first).to_be_visible()
    return page


def changed_by_someone_else(stage: Stage) -> Page:
    page = case_of_mine(stage)
    page.get_by_label("Not at this time").check()
    page.get_by_label("Rationale").fill("We wait for the records of the hospital.")
    page.get_by_role("button", name="Sign decision").click()
    expect(page.locator("h1")).to_have_text("Changed by someone else")
    return page


def trail(asked: str = "") -> Kind:
    return lambda stage: stage.staff(make_user("auditor", stage.clinic), f"/audit/{asked}")


STAFF_PAGES: dict[str, Kind] = {
    "sign-in": signed_out,
    "sign-in, wrong password": wrong_password,
    "second step": second_step,
    "second step, wrong code": wrong_code_of_app,
    "confirm": confirming,
    "ways to sign in": lambda stage: stage.staff(stage.clinician, "/factors/"),
    "set up an app": lambda stage: stage.staff(stage.clinician, "/factors/app/"),
    "add a passkey": lambda stage: stage.staff(stage.clinician, "/factors/passkey/"),
    "recovery codes": new_codes,
    "sessions": lambda stage: stage.staff(stage.clinician, "/sessions/"),
    "change password": lambda stage: stage.staff(stage.clinician, "/password/"),
    "link for a password, asked for": link_asked_for,
    "new password, bad link": link_gone_bad,
    "join": joining,
    "join, wrong code": wrong_code,
    "queue": lambda stage: stage.staff(stage.clinician, "/review/"),
    "queue of the front desk": lambda stage: stage.staff(stage.front_desk, "/review/"),
    "queue, nothing in it": lambda stage: stage.staff(stage.clinician, "/review/?view=mine"),
    "find": lambda stage: stage.staff(stage.front_desk, "/review/find/"),
    "find, left blank": not_looked_up,
    "case of others": case_of_others,
    "case of others, without a reason": without_a_reason,
    "case of others, opened": opened_with_a_reason,
    "find, found": found,
    "case, open": lambda stage: stage.staff(stage.clinician, f"/review/{stage.waiting.reference}/"),
    "case, mine": case_of_mine,
    "record, interview": lambda stage: stage.staff(stage.clinician, f"/review/{stage.waiting.reference}/record/cssrs/"),
    "case, closed without a reason": closed_without_reason,
    "case, refused": changed_by_someone_else,
    "case, decided": lambda stage: stage.staff(stage.clinician, f"/review/{stage.decided.reference}/"),
    "contact page": lambda stage: stage.staff(stage.front_desk, f"/review/{stage.waiting.reference}/"),
    "audit trail": trail(),
    "audit trail, nothing found": trail("?reference=0000-0000"),
    "audit trail, asked wrongly": trail("?end=yesterday"),
    "not for this role": lambda stage: stage.staff(make_user("auditor", stage.clinic), "/review/"),
}  # fmt: skip
