"""The book on paper."""

import logging
from pathlib import Path

MISSING = (
    "No PDF: WeasyPrint does not find Pango. On Debian install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
    " (apt-get install), then run this again."
)


class NoPango(Exception):
    """The libraries that WeasyPrint draws with are not installed."""


def write_pdf(html: str, path: Path) -> None:
    """Raises NoPango where the PDF can not be drawn on this machine."""
    try:
        # Imported here because it takes a second, and fails where Pango is missing; the HTML needs neither.
        from weasyprint import HTML
        from weasyprint.urls import URLFetcher
    except OSError as error:
        raise NoPango(MISSING) from error
    # It warns of every rule that is for screens alone.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    # The book is complete in itself: whatever it would fetch is a mistake in its making.
    nothing = URLFetcher(allowed_protocols=(), fail_on_errors=True)
    HTML(string=html, url_fetcher=nothing).write_pdf(path, pdf_tags=True)
