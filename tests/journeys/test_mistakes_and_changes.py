"""Mistakes on a page, answers that are changed, and a keyboard instead of a thumb."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import DESK, go_on_as, save
from tests.journeys.patient_at_work import number_of
from tests.patients import PatientBrowser


@pytest.fixture
def at(riverside):
    """`at(page, link_id)` opens the page of a question in the middle of a form."""

    def opened(page: Page, link_id: str) -> PatientBrowser:
        patient = PatientBrowser(riverside)
        go_on_as(page, patient)
        page.goto(patient.url(link_id))
        return patient

    return opened


def focused(page: Page) -> str:
    return page.evaluate("document.activeElement.id")


def test_a_page_left_blank_says_what_to_do_and_leads_to_the_question(page, at):
    at(page, "aneurysm_or_avm")
    address = page.url
    save(page)
    assert page.url == address
    assert page.title().startswith("Error: ")
    summary = page.locator(".problems")
    expect(summary).to_be_focused()
    expect(summary).to_be_in_viewport()
    summary.get_by_role("link").click()
    assert focused(page) == "q1"
    expect(page.locator("#q1")).to_be_in_viewport()
    expect(page.get_by_role("radiogroup")).to_have_accessible_description(re.compile("Error:"))


def test_what_was_typed_is_kept_beside_the_error(page, at):
    at(page, "legal_given_name")
    page.get_by_label("Legal first name").fill("Séamus \N{BIRD}")
    save(page)
    summary = page.locator(".problems")
    expect(summary.get_by_role("link")).to_have_count(1)
    expect(page.get_by_label("Legal first name")).to_have_value("Séamus \N{BIRD}")
    summary.get_by_role("link").click()
    assert focused(page) == "q2"
    page.keyboard.type("Example")
    save(page)
    assert page.url.partition("#")[0].endswith(f"/{number_of('preferred_language')}/")


def test_a_date_that_does_not_exist_is_kept_as_typed(page, at):
    at(page, "date_of_birth")
    for part, text in (("Month", "2"), ("Day", "30"), ("Year", "1985")):
        page.get_by_label(part).fill(text)
    save(page)
    page.locator(".problems").get_by_role("link").click()
    assert focused(page) == "q1"
    assert [page.get_by_label(part).input_value() for part in ("Month", "Day", "Year")] == ["2", "30", "1985"]


def test_another_row_for_a_medicine_keeps_the_first(page, at):
    at(page, "medicines")
    page.get_by_label("Name").fill("sertraline")
    page.get_by_role("button", name="Add another medicine").click()
    expect(page.get_by_label("Name")).to_have_count(2)
    expect(page.get_by_label("Name").first).to_have_value("sertraline")
    expect(page.get_by_label("Name").nth(1)).to_have_value("")


def test_an_answer_changed_from_the_check_page_leads_back_there(page, riverside):
    patient = PatientBrowser(riverside).fill_in()
    go_on_as(page, patient)
    page.goto(f"/intake/{patient.public_id}/check/")
    row = page.locator("#answer-ketamine_allergy")
    expect(row).to_contain_text("No")
    row.get_by_role("link", name="Change").click()
    expect(page.locator("#q1-no")).to_be_checked()
    page.get_by_text("Not sure", exact=True).click()
    save(page)
    assert page.url.endswith("/check/")
    expect(row).to_contain_text("Not sure")


def test_a_change_that_opens_a_question_asks_it_before_it_leads_back(page, riverside):
    patient = PatientBrowser(riverside).fill_in()
    go_on_as(page, patient)
    page.goto(f"/intake/{patient.public_id}/check/")
    page.locator("#answer-can_become_pregnant").get_by_role("link", name="Change").click()
    page.locator('[name="can_become_pregnant"][value="yes"]').check()
    save(page)
    assert page.url.partition("?")[0].endswith(f"/{number_of('trying_to_conceive')}/")
    page.locator('[name="uses_effective_contraception"][value="yes"]').check()
    page.locator('[name="trying_to_conceive"][value="no"]').check()
    save(page)
    assert page.url.endswith("/check/")


def tab_to(page: Page, element_id: str) -> None:
    for _press in range(40):
        page.keyboard.press("Tab")
        if focused(page) == element_id:
            return
    raise AssertionError(f"the keyboard does not come to {element_id}")


def test_a_question_is_answered_with_the_keyboard_alone(open_page, at):
    page = open_page(viewport=DESK)
    at(page, "aneurysm_or_avm")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the main part")).to_be_in_viewport()
    tab_to(page, "q1")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    expect(page.locator("#q1-no")).to_be_checked()
    # Tab leaves the group of options; on the button, Enter sends the page.
    for _press in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.matches('button.button')"):
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/{number_of('heart_attack_or_stroke_ever')}/"))


def test_boxes_are_ticked_and_the_page_sent_with_the_keyboard_alone(open_page, at):
    page = open_page(viewport=DESK)
    at(page, "emergency_symptoms_now")
    tab_to(page, page.locator('[value="none"]').get_attribute("id"))
    page.keyboard.press("Space")
    expect(page.locator('[value="none"]')).to_be_checked()
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(rf"/{number_of('stopped_heavy_alcohol_or_benzo_past_3_days')}/"))


def test_the_skip_link_leads_past_the_top(open_page, at):
    page = open_page(viewport=DESK)
    at(page, "aneurysm_or_avm")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert focused(page) == "main"
