"""Somebody says that they are in danger while they fill in the form."""

from playwright.sync_api import expect

from screening.models import Case
from tests.journeys.conftest import DESK, go_on_as, save, sign_in
from tests.journeys.patient_at_work import fill_in_page, number_of
from tests.patients import PatientBrowser

HURT = {"suicide_attempt_ever": {"": "yes"}, "last_suicide_attempt_date": {".year": "2001"}}


def test_thoughts_right_now_lead_to_help_on_the_next_page_and_to_the_top_of_the_queue(
    page, open_page, riverside, employ
):
    # Given somebody who sent answers with an absolute flag and waits, and somebody in the middle of the form.
    PatientBrowser(riverside, {"aneurysm_or_avm": {"": "yes"}}).fill_in().submit()
    patient = PatientBrowser(riverside, HURT).fill_in(until="suicidal_thoughts_right_now")
    go_on_as(page, patient)
    page.goto(patient.url("suicidal_thoughts_right_now"))

    # When they say that they think of killing themselves right now, the very next page is the one with help.
    fill_in_page(page, {"suicidal_thoughts_right_now": {"": "yes"}})
    save(page)
    assert page.url.endswith("/help/")
    expect(page.get_by_role("heading", level=1)).to_contain_text("What you are feeling matters.")
    for name, address in (("Call 911", "tel:911"), ("Call 988", "tel:988"), ("Text 988", "sms:988")):
        assert page.get_by_role("link", name=name).first.get_attribute("href") == address
    expect(page.get_by_role("link", name="Call 911").first).to_be_in_viewport()
    expect(page.locator("main")).to_contain_text("(212) 555-0100")

    # They tell how it is, and are thanked.
    page.get_by_role("button", name="I am safe for now").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you for telling us.")

    # Then they can go on where they were.
    page.get_by_role("link", name="Go on with the form").click()
    assert page.url.endswith(f"/{number_of('suicide_plan_or_intent_past_month')}/")

    # And the unfinished form stands above everything else, with the alarm beside it.
    desk = open_page(viewport=DESK)
    sign_in(desk, employ("clinician"))
    first = desk.locator("tbody tr").first
    expect(first).to_contain_text("Emergency")
    expect(first).to_contain_text("Intake not finished")
    expect(desk.locator("tbody tr").nth(1)).to_contain_text("Absolute")
    first.get_by_role("link").click()
    expect(desk.locator("main")).to_contain_text("I am safe for now")
    assert Case.objects.filter(severity=5).count() == 1
