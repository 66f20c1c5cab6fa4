"""The book on paper."""

import logging
from pathlib import Path
from typing import NoReturn

MISSING = (
    "No PDF: WeasyPrint does not find Pango. On Debian install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
    " (apt-get install), then run this again."
)


class NoPango(Exception):
    """The libraries that WeasyPrint draws with are not installed."""


def write_pdf(html: str, path: Path) -> None:
    """Raises NoPango where the PDF can not be drawn on this machine."""
    try:
        # Imported here because it takes a second and fails as a whole where Pango is missing, and the HTML needs neither.
        from weasyprint import HTML
    except OSError as error:
        raise NoPango(MISSING) from error
    # It warns of every rule that is for screens alone.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    HTML(string=html, url_fetcher=_nothing_from_outside).write_pdf(path, pdf_tags=True)


def _nothing_from_outside(url: str, *_args: object, **_options: object) -> NoReturn:
    """The book is complete in itself; whatever would be fetched is a mistake in its making."""
    raise ValueError(f"the book must not fetch {url}")
