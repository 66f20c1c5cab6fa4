"""Each kind of page: for those who can not see it, on the smallest screen, and under a thumb.

The pages are visited once, by the first test that asks; each test looks at one kind of finding.
"""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from clinic_site.clinics.models import Clinic
from tests.journeys.conftest import DESK, PHONE, OpenPage
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
def wrong_with(riverside: Clinic, open_page: OpenPage) -> Callable[[str], dict[str, list[str]]]:
    """`wrong_with("axe")`: the findings by kind of page, for those that have any."""
    if not _found:
        stage = Stage(riverside, open_page)
        _found.update(visit(PATIENT_PAGES, stage, wide=PHONE, least_for_main=44))
        _found.update(visit(STAFF_PAGES, stage, wide=DESK, least_for_main=24))
    return lambda what: {kind: found[what] for kind, found in _found.items() if found[what]}


def test_no_page_has_a_barrier_that_axe_finds_in_light_or_dark(wrong_with):
    assert wrong_with("axe") == {}


def test_no_page_scrolls_sideways_at_320_pixels(wrong_with):
    assert wrong_with("wide") == {}


def test_every_control_is_large_enough_for_a_thumb(wrong_with):
    """24 pixels for every control; 44 for a patient's buttons, boxes and options."""
    assert wrong_with("small") == {}


def test_these_tests_see_what_is_wrong_with_a_bad_page(open_page):
    page = open_page(scripts=True)
    page.goto("about:blank")
    page.set_content(
        """<html lang="en"><head><title>Bad</title><meta name="color-scheme" content="light dark"></head><body><main>
        <h1>Bad</h1><img src="data:,"><button>x</button><p style="width: 500px">wide</p>
        <p style="color: #ccc; background: #fff">pale</p></main></body></html>"""
    )
    found = look_at(page, wide=PHONE, least_for_main=44)
    assert {finding.split(":")[0] for finding in found["axe"]} == {
        "light image-alt",
        "light color-contrast",
        "dark color-contrast",
    }
    assert len(found["wide"]) == 1
    assert len(found["small"]) == 1
