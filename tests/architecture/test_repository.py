"""How the repository is laid out."""

from fnmatch import fnmatch

import pytest

from tests.architecture.source import ROOMS, ROOT, python_files, relative

TOP_LEVEL = {
    *ROOMS, "templates", "tests", "docs", "manage.py", "run", "requirements.txt", "requirements-dev.txt",
    "pyproject.toml", "README.md", "LICENSE", ".ci", ".gitignore",
}  # fmt: skip
TEST_FOLDERS = {"intake", "screening", "clinic_site", "architecture", "journeys", "safety", "security"}
MOST_LINES = 400
LONGER: dict[str, int] = {}


def test_nothing_stands_at_the_top_but_what_the_design_names():
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line and line[0] != "#"]
    present = {path.name for path in ROOT.iterdir() if not any(fnmatch(path.name, pattern) for pattern in ignored)}
    assert present - {".git"} == TOP_LEVEL


def test_tests_mirror_the_rooms():
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == TEST_FOLDERS


@pytest.mark.parametrize("folder", sorted(TEST_FOLDERS))
def test_every_room_has_tests(folder):
    assert list((ROOT / "tests" / folder).glob("test_*.py"))


def test_no_test_stands_outside_a_room():
    assert list((ROOT / "tests").glob("test_*.py")) == []


def test_a_module_fits_in_the_head():
    written = [path for path in python_files() if "migrations" not in path.parts]
    lengths = {relative(path): len(path.read_text().splitlines()) for path in written}
    assert {name: n for name, n in lengths.items() if n > LONGER.get(name, MOST_LINES)} == {}


def test_a_template_fits_in_the_head():
    lengths = {relative(path): len(path.read_text().splitlines()) for path in (ROOT / "templates").rglob("*.html")}
    assert {name: n for name, n in lengths.items() if n > 150} == {}
