"""The content book: complete, in words, escaped, and the same bytes twice."""

import itertools
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from weasyprint.urls import FatalURLFetchingError

from clinic_site.publishing.documents import ContentError, Problem
from screening.content_book import pdf
from screening.content_book.book import book_html
from screening.content_book.content import Content
from screening.content_book.earlier import Earlier
from tests.screening.edited_content import edited, header, question, rule
from tests.screening.pages import Page

ROOT = Path(__file__).parents[2]
NOTHING = Earlier(None, "nothing was given")


@pytest.fixture(scope="module")
def shipped():
    return Content.from_folders()


@pytest.fixture(scope="module")
def book(shipped):
    return book_html(shipped, NOTHING)


def flat(text):
    return " ".join(text.replace("\n- ", "\n").removeprefix("- ").split())


# Nothing is left out


def test_every_question_is_there_with_its_words_and_its_reason(shipped, book):
    page = Page(book)
    for section in shipped.questionnaire.sections:
        assert flat(section.title["en"]) in page.text
        assert flat(section.intro.get("en", "")) in page.text
    for item in {i for p in shipped.questionnaire.pages for i in (p.item, *p.questions)}:
        assert f"q-{item.link_id}" in page.ids
        for text in (item.text, item.help, item.why, item.error, item.statement, item.decline_label):
            assert flat(text.get("en", "")) in page.text, item.link_id
        for text in (item.body, item.full_text):
            lines = [flat(line) for line in text.get("en", "").splitlines()]
            assert [line for line in lines if line not in page.text] == [], item.link_id
        for option in item.options:
            assert flat(option.label["en"]) in page.text


def test_every_published_scale_is_there_with_its_licence_and_scores(shipped, book):
    page = Page(book)
    for instrument in shipped.questionnaire.instruments.values():
        for text in (instrument.name["en"], instrument.licence, instrument.attribution, instrument.source):
            assert flat(text) in page.text
        for score in instrument.scores:
            assert score.name in page.text
            assert all(label["en"] in page.text for _start, label in score.bands)


def test_every_rule_is_there_in_words_and_as_it_is_written(shipped, book):
    page = Page(book)
    for one in shipped.rule_set.rules:
        assert f"rule-{one.id}" in page.ids
        for text in (one.id, one.title["en"], one.next_step["en"], one.review_by):
            assert flat(text) in page.text, one.id
        for expression in one.expressions:
            assert flat(expression.source) in page.text, one.id


def test_every_threshold_source_fact_and_medicine_is_there(shipped, book):
    page, rules = Page(book), shipped.rule_set
    assert {f"constant-{name}" for name in rules.constants} <= set(page.ids)
    assert {f"source-{key}" for key in rules.sources} <= set(page.ids)
    assert {f"class-{code}" for code in rules.lexicon.classes} <= set(page.ids)
    read = {name for rule in rules.rules for name in rule.reads(rules.constants)}
    assert {f"fact-{name}" for name in read} <= set(page.ids)
    written = [name for medicine in rules.lexicon.medicines.values() for name in medicine.names]
    assert [name for name in written if flat(name) not in page.text] == []


def test_it_names_both_versions_and_their_checksums_and_says_that_it_is_no_advice(shipped, book):
    page = Page(book)
    for text in (shipped.questionnaire_sha256, shipped.rule_set.sha256, "This is not clinical advice."):
        assert text in page.text
    for who in ("Medical director", "Pharmacist", "Counsel"):
        assert who in page.text


# The page itself


def test_every_link_in_it_leads_somewhere_and_every_id_is_used_once(book):
    page = Page(book)
    assert set(page.targets) - set(page.ids) == set()
    assert len(page.ids) == len(set(page.ids))


def test_headings_stand_in_order_and_no_script_is_in_it(book):
    page = Page(book)
    assert page.levels.count(1) == 1
    assert [pair for pair in itertools.pairwise(page.levels) if pair[1] > pair[0] + 1] == []
    assert {"script", "link", "img", "iframe"} & set(page.tags) == set()


def test_the_same_content_gives_the_same_bytes(book):
    assert book_html(Content.from_folders(), NOTHING) == book


def test_content_can_not_write_markup_into_the_book(shipped):
    hostile = '<script>alert(1)</script></style><img src=x onerror="x">'
    changed = edited(shipped)
    changed.questionnaire_tree["questionnaire.yaml"]["version"] = hostile
    question(changed, "aneurysm_or_avm")["text"]["en"] = hostile
    question(changed, "aneurysm_or_avm")["summary"]["en"] = hostile
    rule(changed, "cardiovascular.aneurysm-avm")["title"]["en"] = hostile
    header(changed)["constants"]["ADULT_AGE_YEARS"]["meaning"]["en"] = hostile
    html = book_html(changed, Earlier(shipped, hostile))
    assert {"script", "img"} & set(Page(html).tags) == set()
    assert html.count("</style>") == 1
    assert hostile in Page(html).text


# The command


def without_settings(tmp_path, *arguments):
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    command = [sys.executable, "manage.py", "content_book", "--output", str(tmp_path / "out"), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600, check=False)


def test_it_needs_no_database_and_writes_both_files(tmp_path):
    done = without_settings(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    page, paper = (Path(line) for line in done.stdout.splitlines())
    assert "Nothing was compared" in page.read_text()
    assert paper.read_bytes()[:5] == b"%PDF-"
    assert len(re.findall(rb"/Type /Page\b", unpacked(paper))) > 50


def unpacked(paper):
    """A PDF with its compressed objects laid open."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", paper.read_bytes(), re.DOTALL)
    return b"".join(opened(stream) for stream in streams)


def opened(stream):
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return stream


def test_a_version_can_not_be_looked_up_without_a_database(tmp_path):
    done = without_settings(tmp_path, "--since", "2026.11")
    assert done.returncode == 1
    assert "2026.11 is not a folder" in done.stderr
    assert not (tmp_path / "out").exists()


def test_the_pdf_is_the_same_bytes_twice(tmp_path):
    for name in ("one.pdf", "two.pdf"):
        pdf.write_pdf("<h1>One page</h1>", tmp_path / name)
    assert (tmp_path / "one.pdf").read_bytes() == (tmp_path / "two.pdf").read_bytes()


def test_the_pdf_fetches_nothing(tmp_path):
    with pytest.raises(FatalURLFetchingError):
        pdf.write_pdf('<h1>One</h1><img src="file:///etc/hostname">', tmp_path / "one.pdf")


@pytest.mark.django_db
def test_without_pango_it_says_what_to_install_and_still_writes_the_page(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "weasyprint", NotThere())
    call_command("content_book", output=str(tmp_path))
    assert (tmp_path / "content-book.html").stat().st_size > 100_000
    assert not (tmp_path / "content-book.pdf").exists()
    said = capsys.readouterr().err
    assert "apt-get install" in said or "libpango-1.0-0" in said
    assert len(said.splitlines()) == 1


class NotThere:
    def __getattr__(self, name):
        raise OSError("cannot load library 'libpango-1.0-0'")


@pytest.mark.django_db
def test_content_with_a_mistake_makes_no_book(tmp_path, monkeypatch):
    monkeypatch.setattr("screening.management.commands.content_book.checked_content", refused)
    with pytest.raises(CommandError, match="No book was written"):
        call_command("content_book", output=str(tmp_path / "out"))


def refused():
    raise ContentError([Problem("tiny.yaml", "tiny", "is wrong")])
