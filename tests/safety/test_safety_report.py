"""`manage.py safety_report` over people of somebody's own."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command


def report(folder, people):
    (folder / "own.yaml").write_text(people)
    out = StringIO()
    call_command("safety_report", vignettes=folder, stdout=out)
    return out.getvalue()


def test_people_who_are_flagged_as_labelled_are_counted(tmp_path):
    printed = report(
        tmp_path,
        "- {id: own, who: Somebody, answers: {aneurysm_or_avm: yes}, must: {cardiovascular.aneurysm-avm: absolute}}",
    )
    row = next(line for line in printed.splitlines() if line.startswith("| all "))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert [cell.split(" of ")[0] for cell in cells] == ["all", "1", "1", "0", "1", "1", "100 %", "0"]


def test_a_missed_and_a_false_flag_end_in_exit_code_1(tmp_path):
    with pytest.raises(CommandError) as failed:
        report(
            tmp_path, "- {id: own, who: Somebody, answers: {brain_bleed_ever: yes}, must: {age.out-of-range: absolute}}"
        )
    assert failed.value.returncode == 1
    assert str(failed.value).splitlines() == [
        "own: missed: age.out-of-range must be 'absolute', is 'not listed'",
        "own: false flag: neurological.brain-bleed: absolute",
    ]


@pytest.mark.parametrize("slip", ["must: {no.such: hold}", "answers: {aneurysm_or_avm: perhaps}"])
def test_people_who_can_not_be_read_end_in_exit_code_2(tmp_path, slip):
    with pytest.raises(CommandError, match="The vignettes can not be run:\n.*own") as failed:
        report(tmp_path, f"- {{id: own, who: Somebody, {slip}}}")
    assert failed.value.returncode == 2
