"""The table at the end of `./run safety`."""

import sys

import pytest

from clinic_site.launcher import safety
from clinic_site.launcher.safety import Row

WRITTEN = """<testsuites><testsuite>
<testcase classname="tests.safety.test_two_engines" name="a" time="1.2"/>
<testcase classname="tests.safety.test_two_engines.TestNumbers" name="b" time="2.4"/>
<testcase classname="tests.safety.test_vignettes" name="c" time="0.1"><failure/></testcase>
</testsuite></testsuites>"""


def test_a_module_of_tests_is_one_row(tmp_path):
    (tmp_path / "tests.xml").write_text(WRITTEN)
    assert [row.cells for row in safety._rows(tmp_path / "tests.xml")] == [
        ("two engines", "2 tests", "4", "passed"),
        ("vignettes", "1 tests", "0", "FAILED"),
    ]


@pytest.mark.parametrize(("code", "result"), [(0, "passed"), (3, "FAILED")])
def test_the_last_line_of_a_command_holds_its_figures(code, result):
    script = f"print('first'); print('==== 5 of 5 ===='); print(); raise SystemExit({code})"
    row = safety._command("something", [sys.executable, "-c", script], {})
    assert (row.what, row.figures, row.cells[3]) == ("something", "5 of 5", result)


def test_the_table_lines_up():
    rows = [Row("two engines", "2 tests", 3.6, True), Row("people", "12", 0.2, False)]
    assert safety._table(rows) == (
        "what was run  figures  seconds  result\n"
        "two engines   2 tests  4        passed\n"
        "people        12       0        FAILED"
    )
