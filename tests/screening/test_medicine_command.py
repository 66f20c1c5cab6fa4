"""`manage.py medicine`: how a line is read, in words, without a database or any setting."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def medicine(*typed, stdin=b""):
    """Runs the command with nothing of this process's environment but PATH and HOME."""
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    command = [sys.executable, "manage.py", "medicine", *typed]
    done = subprocess.run(command, cwd=ROOT, env=environment, input=stdin, capture_output=True, timeout=60, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_each_line_is_shown_with_what_is_sure_suggested_and_unread_and_the_facts():
    code, shown, error = medicine("Nardil 15 mg and oxycodon, zzqx", "metformin 500 mg")
    assert (code, error) == (0, "")
    assert shown.splitlines() == [
        "Nardil 15 mg and oxycodon, zzqx",
        "  named exactly  phenelzine (Antidepressant; MAO inhibitor)",
        "  by spelling    oxycodone (Opioid (any but buprenorphine)): a person has to check this",
        "  left unread    zzqx",
        '  facts          takes_antidepressant = "yes"',
        '                 takes_maoi = "yes"',
        '                 takes_opioid_full_agonist = "yes"',
        '                 medicine_unrecognized = "yes"',
        "  recognised     no, the case stays open until a person has checked",
        "",
        "metformin 500 mg",
        "  named exactly  metformin (no class)",
        "  by spelling    -",
        "  left unread    -",
        "  facts          none",
        "  recognised     yes",
        "",
        '2 lines, 1 not recognised: no class is answered "no" for this list.',
    ]


def test_a_dash_reads_lines_on_standard_input_also_when_they_are_not_utf_8():
    code, shown, error = medicine("-", "Prozac", stdin=b"Nardil\n\nXanax \xff\n")
    assert (code, error) == (0, "")
    assert [line for line in shown.splitlines() if line and not line.startswith(" ")] == [
        "Nardil",
        "Xanax \N{REPLACEMENT CHARACTER}",
        "Prozac",
        '3 lines, 1 not recognised: no class is answered "no" for this list.',
    ]


def test_a_list_that_is_all_known_says_so():
    _code, shown, _error = medicine("Prozac 20 mg")
    assert shown.splitlines()[-1] == '1 line, all recognised: every class that is not named above is answered "no".'


@pytest.mark.parametrize("typed", [(), ("",), ("  ", ""), ("-",)])
def test_nothing_to_read_gives_one_line_and_exit_code_2(typed):
    code, shown, error = medicine(*typed)
    assert (code, shown) == (2, "")
    assert "nothing to read" in error
    assert len(error.splitlines()) == 1


def test_what_would_steer_a_terminal_or_flood_it_is_not_printed():
    _code, shown, _error = medicine("Xanax \x1b[31m\x07", "x" * 2000)
    assert "\x1b" not in shown
    assert "\x07" not in shown
    assert "(2,000 characters)" in shown
    assert max(map(len, shown.splitlines())) < 200
