"""`manage.py screen --facts`: the published shape, without a database or any setting."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import shipped_rule_set
from tests.safety.people import NOTHING_TO_FLAG

ROOT = Path(__file__).parents[2]
ISSUE_KEYS = {"rule", "tier", "status", "hold", "worst_case_assumed", "caused_by", "sources"}


def screen(tmp_path, content):
    """Runs the command on a file with nothing of this process's environment but PATH and HOME."""
    path = tmp_path / "facts.json"
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        path.write_text(json.dumps(content))
    environment = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}
    command = [sys.executable, "manage.py", "screen", "--facts", str(path)]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_a_list_of_people_gives_one_result_each_in_order(tmp_path):
    people = [{"aneurysm_or_avm": "yes"}, NOTHING_TO_FLAG, {}]
    done = screen(tmp_path, people)
    assert (done.returncode, done.stderr) == (0, "")
    results = json.loads(done.stdout)
    assert [result["highest_tier"] for result in results] == ["absolute", "none", "relative"]
    rules = shipped_rule_set()
    for result in results:
        assert result["rule_set"] == {"id": rules.id, "version": rules.version, "sha256": rules.sha256}
        assert all(set(issue) == ISSUE_KEYS for issue in result["issues"])
    assert results[1]["issues"] == []
    aneurysm = next(issue for issue in results[0]["issues"] if issue["rule"] == "cardiovascular.aneurysm-avm")
    assert aneurysm == {
        "rule": "cardiovascular.aneurysm-avm",
        "tier": "absolute",
        "status": "fired",
        "hold": False,
        "worst_case_assumed": False,
        "caused_by": ["aneurysm_or_avm"],
        "sources": ["SPRAV-PI"],
    }


def test_one_person_gives_a_list_of_one_and_says_what_is_not_known(tmp_path):
    done = screen(tmp_path, {"aneurysm_or_avm": "Yes", "pregnant": "not_sure"})
    (result,) = json.loads(done.stdout)
    assert result["not_known"] == {"aneurysm_or_avm": "unrecognised_value", "pregnant": "not_sure"}
    assert {"cardiovascular.aneurysm-avm", "reproductive.pregnant"} <= {issue["rule"] for issue in result["issues"]}


def test_an_empty_list_gives_an_empty_list(tmp_path):
    assert json.loads(screen(tmp_path, []).stdout) == []


def test_numbers_that_json_can_not_hold_clear_nothing(tmp_path):
    done = screen(tmp_path, b'[{"systolic_mmhg": 1e400, "diastolic_mmhg": NaN, "bp_reading_age_days": -Infinity}]')
    (result,) = json.loads(done.stdout)
    assert set(result["not_known"].values()) == {"unrecognised_value"}
    assert "intake.incomplete" in {issue["rule"] for issue in result["issues"]}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "can not be read: No such file"),
        (b"\xff\xfe", "it is not UTF-8"),
        (b"{", "is not valid JSON"),
        (b"", "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        ({"aneurism": "yes"}, "entry 1: unknown fact name: aneurism"),
        ([{}, {"aneurism": "yes"}], "entry 2: unknown fact name: aneurism"),
        ([{}, 5], "entry 2: each set of facts must be an object"),
        ("yes", "entry 1: each set of facts must be an object"),
    ],
    ids=["missing", "bytes", "brace", "empty", "deep", "name", "second", "number", "text"],
)
def test_a_file_that_can_not_be_screened_gives_one_line_and_exit_code_2(tmp_path, content, message):
    done = screen(tmp_path, content)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
