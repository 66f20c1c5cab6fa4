"""The main job: a patient on a phone answers, clinicians read, close and sign."""

from playwright.sync_api import Page, expect

from screening.models import Decision
from tests.journeys.conftest import DESK, go_on_as, sign_in
from tests.journeys.patient_at_work import go_on, number_of
from tests.patients import PatientBrowser

ANEURYSM = {"aneurysm_or_avm": {"": "yes"}}


def close_flags(page: Page) -> None:
    """Closes every flag that offers a form, one after the other, as the page comes back after each."""
    forms = page.locator("article.flag:not(.flag--closed) details.close-flag")
    for left in range(forms.count(), 0, -1):
        form = forms.first
        form.locator("summary").click()
        form.get_by_label("Reason").select_option(label="Clarified with the patient or with records")
        form.get_by_label("In your words").fill("Talked this through with the patient by phone.")
        form.get_by_role("button", name="Close flag").click()
        expect(forms).to_have_count(left - 1)


def test_a_patient_on_a_phone_and_two_clinicians_come_to_a_signed_decision(page, open_page, riverside, employ):
    # Given a patient who opens the clinic's address and answers as far as the question about the heart.
    page.goto("/at/riverside/")
    page.get_by_role("button", name="Start now").click()
    go_on(page, until=f"/{number_of('aneurysm_or_avm')}/")
    left_at, kept = page.url, page.context.storage_state()
    page.context.close()

    # When they open the browser again, they go on where they stopped, and nothing is asked twice.
    phone = open_page(storage_state=kept)
    phone.goto("/at/riverside/")
    phone.get_by_role("button", name="Continue your form").click()
    assert phone.url == left_at
    go_on(phone, until="/check/", answers=ANEURYSM)
    expect(phone.locator("#answer-legal_given_name")).to_contain_text("Sam")
    expect(phone.locator("#answer-aneurysm_or_avm")).to_contain_text("Yes")
    phone.get_by_role("button", name="Send my answers").click()
    expect(phone.get_by_role("heading", level=1)).to_have_text("Thank you. Your answers were sent.")
    reference = phone.locator(".reference").inner_text()

    # Then a clinician signs in, finds the case in the queue and sees the flag beside the patient's own words.
    desk = open_page(viewport=DESK)
    sign_in(desk, employ("clinician"))
    desk.get_by_role("link", name=reference).click()
    flag = desk.locator("article.flag", has_text="Aneurysm")
    expect(flag.locator(".tier")).to_have_text("Absolute")
    expect(flag.locator(".causes li").first).to_contain_text("Yes")
    flag.locator(".causes a").first.click()
    answer = desk.locator("#answer-aneurysm_or_avm")
    assert desk.url.endswith("#answer-aneurysm_or_avm")
    expect(answer).to_be_in_viewport()
    expect(answer.locator("b")).to_have_text("Yes")
    answer.locator(".said__flag").first.click()
    expect(flag).to_be_in_viewport()

    # They claim it, record the identity check, close the flags; the absolute one waits for a second clinician.
    desk.get_by_role("button", name="Claim").click()
    expect(desk.locator(".blockers")).to_contain_text("Aneurysm")
    desk.get_by_role("link", name="Record: Identity check").click()
    desk.get_by_label("Yes, it matches").check()
    desk.get_by_role("button", name="Record").click()
    close_flags(desk)
    expect(flag).to_contain_text("Needs a second clinician")
    expect(desk.locator(".blockers")).to_contain_text("Aneurysm")

    second = open_page(viewport=DESK)
    sign_in(second, employ("medical-director"))
    second.get_by_role("link", name=reference).click()
    close_flags(second)
    expect(second.locator(".flag--closed", has_text="Aneurysm")).to_be_visible()

    # The first signs, and the decision stands on the page and in the list of what is done.
    desk.reload()
    expect(desk.locator(".blockers")).to_have_count(0)
    desk.get_by_label("Not at this time").check()
    desk.get_by_label("Rationale").fill("First imaging and a word with neurosurgery. We call the patient.")
    desk.get_by_role("button", name="Sign decision").click()
    decided = desk.locator(".decided")
    expect(decided.get_by_role("heading")).to_have_text("Not at this time")
    expect(decided).to_contain_text("First imaging and a word with neurosurgery.")
    expect(decided.locator(".hash")).to_contain_text(Decision.objects.get().shown_sha256)
    desk.goto("/review/?view=done")
    expect(desk.get_by_role("link", name=reference)).to_be_visible()


def test_what_was_sent_is_not_shown_again_and_to_another_browser_not_at_all(page, open_page, riverside):
    patient = PatientBrowser(riverside).fill_in()
    assert patient.submit().status_code == 303
    go_on_as(page, patient)
    page.goto(patient.url("aneurysm_or_avm"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your answers were sent.")
    stranger = open_page()
    stranger.goto(patient.url("aneurysm_or_avm"))
    expect(stranger.get_by_role("heading", level=1)).to_have_text("This form is not open in this browser")
