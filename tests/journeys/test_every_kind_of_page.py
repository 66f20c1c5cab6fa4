"""Each kind of page: for those who can not see it, on the smallest screen, and under a thumb.

The pages are visited once, and each test looks at what was found on one of them.
"""

from collections.abc import Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import DESK, PHONE
from tests.journeys.page_kinds import PATIENT_PAGES, STAFF_PAGES, Kind, Stage

AXE = Axe()
CONTRAST_ONLY = {"resultTypes": ["violations"], "runOnly": {"type": "rule", "values": ["color-contrast"]}}
# What is wider than the screen, or only its outermost culprits.
TOO_WIDE = """() => {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((e) => e.getBoundingClientRect().right > width + 1);
  return wide.slice(0, 3).map((e) => e.outerHTML.slice(0, 120));
}"""
# Controls with their target: a box together with its label, a link in the middle of a sentence not at all (WCAG 2.5.8).
TOO_SMALL = """([least, leastForMain]) => {
  const shown = (e) => e.checkVisibility({visibilityProperty: true}) && !e.closest(".unseen, .skip");
  const inSentence = (e) => e.matches("a") && getComputedStyle(e).display === "inline"
    && [...e.parentElement.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
  const small = [];
  for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")) {
    if (!shown(e) || inSentence(e)) continue;
    const box = (e.matches("[type=radio], [type=checkbox]") && e.labels[0] || e).getBoundingClientRect();
    const main = e.matches("button, .button, [type=radio], [type=checkbox], .call, input, select");
    const wanted = main ? leastForMain : least;
    if (Math.min(box.width, box.height) < wanted - 0.1)
      small.push(`${Math.round(box.width)} x ${Math.round(box.height)}: ${e.outerHTML.slice(0, 120)}`);
  }
  return small;
}"""


def check_accessibility(page: Page) -> list[str]:
    """What axe finds, in light and in dark colours. The page needs JavaScript."""
    found = []
    for scheme, options in (("light", {"resultTypes": ["violations"]}), ("dark", CONTRAST_ONLY)):
        page.emulate_media(color_scheme=scheme)
        for violation in AXE.run(page, options=options).response["violations"]:
            targets = [" ".join(map(str, node["target"])) for node in violation["nodes"][:4]]
            found.append(f"{scheme} {violation['id']}: {', '.join(targets)}")
    page.emulate_media(color_scheme="light")
    return found


def look_at(page: Page, *, wide: Mapping[str, int], least_for_main: int) -> dict[str, list[str]]:
    page.set_viewport_size(dict(wide))
    found = {"axe": check_accessibility(page)}
    page.set_viewport_size({"width": 320, "height": 640})
    found |= {"wide": page.evaluate(TOO_WIDE), "small": page.evaluate(TOO_SMALL, [24, least_for_main])}
    page.set_viewport_size(dict(wide))
    return found


def visit(kinds: Mapping[str, Kind], stage: Stage, **how: Any) -> dict[str, dict[str, list[str]]]:
    return {name: look_at(kind(stage), **how) for name, kind in kinds.items()}


_found: dict[str, dict[str, list[str]]] = {}


@pytest.fixture
def found(request) -> dict[str, dict[str, list[str]]]:
    """What is wrong with each kind of page; visited by the first test that asks."""
    if not _found:
        stage = Stage(request.getfixturevalue("riverside"), request.getfixturevalue("open_page"))
        _found.update(visit(PATIENT_PAGES, stage, wide=PHONE, least_for_main=44))
        _found.update(visit(STAFF_PAGES, stage, wide=DESK, least_for_main=24))
    return _found


KINDS = [*PATIENT_PAGES, *STAFF_PAGES]


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_has_no_barrier_that_axe_finds_in_light_or_dark(found, kind):
    assert found[kind]["axe"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_page_does_not_scroll_sideways_at_320_pixels(found, kind):
    assert found[kind]["wide"] == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_control_is_large_enough_for_a_thumb(found, kind):
    """24 pixels for every control; 44 for a patient's buttons, boxes and options."""
    assert found[kind]["small"] == []
