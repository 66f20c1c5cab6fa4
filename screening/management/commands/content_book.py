import os
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from clinic_site.publishing.documents import ContentError
from screening.content_book.book import book_html
from screening.content_book.content import Content
from screening.content_book.earlier import Earlier, NotFound, from_database, from_folder
from screening.content_book.pdf import NoPango, write_pdf
from screening.shipped import checked_content

_NO_DATABASE = "no database was given, and no folder with an earlier version (--since)"


class Command(BaseCommand):
    """Writes content-book.html and content-book.pdf. The shipped content needs no database; comparing it with what was
    published does."""

    help = "Writes the whole shipped content as one readable page and as PDF, for clinical sign-off."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--output", metavar="FOLDER", help="where to write; .data/content-book when not given")
        parser.add_argument(
            "--since", metavar="FOLDER|VERSION", default="", help="compare with a checkout or with a published version"
        )

    def handle(self, *, output: str | None, since: str, **options: Any) -> None:
        try:
            checked_content()
            content = Content.from_folders()
            earlier = _earlier(content, since)
        except (ContentError, NotFound) as error:
            raise CommandError(f"{error}\nNo book was written.") from error
        folder = Path(output) if output else _own_folder()
        html, page, paper = book_html(content, earlier), folder / "content-book.html", folder / "content-book.pdf"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            page.write_text(html, encoding="utf-8")
            self.stdout.write(str(page))
            write_pdf(html, paper)
        except NoPango as error:
            self.stderr.write(str(error))
            return
        except OSError as error:
            raise CommandError(f"{folder}: can not be written: {error.strerror}") from error
        self.stdout.write(str(paper))


def _earlier(content: Content, since: str) -> Earlier:
    if since and Path(since).is_dir():
        return from_folder(Path(since))
    if os.environ.get("DATABASE_URL"):
        return from_database(content, since)
    if since:
        raise NotFound(f"{since} is not a folder, and without DATABASE_URL no published version can be looked up")
    return Earlier(None, _NO_DATABASE)


def _own_folder() -> Path:
    """Beside what `./run` keeps, which is closed to others."""
    data = Path(settings.BASE_DIR) / ".data"
    data.mkdir(mode=0o700, exist_ok=True)
    return data / "content-book"
