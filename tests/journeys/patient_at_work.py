"""What a patient's fingers do: fill in the question on the screen and press the button."""

from collections.abc import Mapping

from playwright.sync_api import Page

from tests.conftest import shipped_questionnaire
from tests.journeys.conftest import save
from tests.patients import NOTHING_TO_DECLARE, Posted, default_post


def page_number(page: Page) -> int:
    return int(page.url.rstrip("/").rsplit("/", 1)[1])


def number_of(link_id: str) -> int:
    return shipped_questionnaire().page_of[link_id].number


def fill_in_page(page: Page, answers: Mapping[str, Posted] | None = None) -> None:
    """Fills in the questions on the screen; `answers` stand over those of somebody with nothing to declare."""
    for item in shipped_questionnaire().pages[page_number(page) - 1].questions:
        mine = {**NOTHING_TO_DECLARE, **(answers or {})}
        for part, value in (mine.get(item.link_id) or default_post(item)).items():
            for text in value if isinstance(value, list) else [value]:
                enter(page, f"{item.link_id}{part}", text)


def enter(page: Page, name: str, text: str) -> None:
    """Types a text, taps an option or picks from a list: whatever stands under that name."""
    boxes = page.locator(f'[name="{name}"]')
    kind = boxes.first.evaluate("box => box.type")
    if kind in ("radio", "checkbox"):
        # By its label, as a thumb would: the label is the large target.
        box = page.locator(f'[name="{name}"][value="{text}"]')
        page.locator(f'label[for="{box.get_attribute("id")}"]').click()
    elif kind == "select-one":
        boxes.first.select_option(text)
    else:
        boxes.first.fill(text)


def go_on(page: Page, *, until: str, answers: Mapping[str, Posted] | None = None) -> None:
    """Answers page after page until the address ends with `until`."""
    for _step in range(90):
        if page.url.endswith(until):
            return
        if page.url.endswith("/return/"):
            page.get_by_role("link", name="Skip this").click()
            continue
        fill_in_page(page, answers)
        save(page)
    raise AssertionError(f"never came to {until}, but to {page.url}")
