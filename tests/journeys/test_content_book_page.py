"""The content book in a browser: it is one file, opened from the disk."""

import pytest

from screening.content_book.book import book_html
from screening.content_book.content import Content
from screening.content_book.earlier import Earlier
from tests.journeys.conftest import DESK, PHONE
from tests.journeys.test_every_kind_of_page import check_accessibility

# Six of each kind are looked at for barriers: two hundred questions alike would take minutes and show no more.
FEW_OF_EACH = """() => document.querySelectorAll("main *, body").forEach(parent => {
    const seen = {};
    for (const child of [...parent.children]) {
        const kind = child.tagName + child.className;
        seen[kind] = (seen[kind] || 0) + 1;
        if (seen[kind] > 6) child.remove();
    }
})"""


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    path = tmp_path_factory.mktemp("book") / "content-book.html"
    path.write_text(book_html(Content.from_folders(), Earlier(None, "nothing was given")), encoding="utf-8")
    return path.as_uri()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_it_has_no_barrier_and_fits_the_screen(browser, book, viewport):
    page = browser.new_page(viewport=viewport)
    page.goto(book)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.evaluate(FEW_OF_EACH)
    assert check_accessibility(page) == []
    page.close()
