"""The chain over the audit trail: what it notices when somebody with every right in the database rewrites it."""

import io
import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from clinic_site.audit import sealing
from clinic_site.audit.chain import FIRST, FORMS, INSTALLATION, link
from clinic_site.audit.heads import current_heads, last_heads, read_heads, write_heads
from clinic_site.audit.models import AuditEvent, AuditSeal
from clinic_site.audit.sealing import Sealer, waiting_since
from clinic_site.audit.services import audit_event, record
from clinic_site.audit.verification import Verification, heads_by_chain
from clinic_site.messaging.models import OutboxMessage
from tests.conftest import make_clinic, make_user, owner_of_tables

pytestmark = pytest.mark.django_db
WRITERS, SEALERS, ENTRIES = 40, 3, 10_000


@pytest.fixture
def heads_file(tmp_path, settings):
    settings.AUDIT_HEADS_FILE = str(tmp_path / "heads.log")
    return tmp_path / "heads.log"


@pytest.fixture
def other(clinic):
    return make_clinic("lakeside")


@pytest.fixture
def sealed(clinic, other, heads_file):
    """Ten entries of two clinics and some of the installation, all sealed, their heads written."""
    reader = make_user("clinician", clinic)
    for number in range(10):
        for where in (clinic, other):
            record([audit_event(f"step {number}", clinic_id=where.id, user=reader, number=number, share=0.5)])
        record([audit_event("system", clinic_id=None, number=number)])
    Sealer().run()
    return list(AuditSeal.objects.filter(chain=clinic.id).order_by("sequence"))


def tamper(*statements):
    """Runs SQL as the owner of the tables, who may switch off every trigger."""
    tables = ("audit_auditevent", "audit_auditseal")
    with owner_of_tables(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        for statement, *parameters in statements:
            cursor.execute(statement, parameters)
            assert cursor.rowcount, statement
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in tables:
            cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def problems(heads=None):
    known = heads_by_chain(heads.open()) if heads else None
    return [problem for batch in Verification().batches(known) for problem in batch]


def the_problem(heads=None):
    """The only problem, as (chain, sequence, what)."""
    (found,) = problems(heads)
    return found.chain, found.sequence, found.what


def later(monkeypatch, **delta):
    moment = timezone.now() + timedelta(**delta)
    monkeypatch.setattr("django.utils.timezone.now", lambda: moment)


def test_an_untouched_trail_has_no_problem(sealed, heads_file):
    assert problems(heads_file) == []
    assert not AuditEvent.objects.filter(seal=None).exists()


def test_each_clinic_and_the_installation_count_for_themselves_without_a_gap(sealed, clinic, other):
    for chain in (clinic.id, other.id, INSTALLATION):
        numbers = list(AuditSeal.objects.filter(chain=chain).order_by("sequence").values_list("sequence", flat=True))
        assert numbers == list(range(1, len(numbers) + 1))
        assert len(numbers) >= 10


@pytest.mark.parametrize(
    "change",
    [
        "action = 'case.claimed'", "role = 'auditor'", "user_id = NULL", "recorded_at = recorded_at + interval '1 us'",
        "detail = '{\"number\": 4}'", "detail = detail || '{\"more\": 1}'", "address = '192.0.2.99'", "why = 'because'",
        "reference = '7QK2-M9XD'", "listed = '{7QK2-M9XD}'", "data = '{answers}'", "route = 'home'",
        "request_id = gen_random_uuid()", "entity_id = gen_random_uuid()", "entity_type = 'x'", "actor = 'system'",
    ],
)  # fmt: skip
def test_an_altered_column_is_named(sealed, clinic, change):
    tamper((f"UPDATE audit_auditevent SET {change} WHERE id = %s", sealed[4].event_id))  # noqa: S608 - listed above
    chain, sequence, what = the_problem()
    assert (chain, sequence) == (clinic.id, 5)
    assert "altered" in what


def test_every_column_is_under_the_seal():
    assert set(FORMS[1]) == {field.attname for field in AuditEvent._meta.concrete_fields}


def test_a_deleted_entry_is_named(sealed, clinic):
    tamper(("DELETE FROM audit_auditevent WHERE id = %s", sealed[6].event_id))
    assert the_problem() == (clinic.id, 7, "the entry was deleted")


def test_an_entry_deleted_with_its_seal_is_named(sealed, clinic):
    gone = sealed[6].event_id
    tamper(
        ("DELETE FROM audit_auditseal WHERE event_id = %s", gone), ("DELETE FROM audit_auditevent WHERE id = %s", gone)
    )
    chain, sequence, what = the_problem()
    assert (chain, sequence) == (clinic.id, 7)
    assert "seal is gone" in what


def test_an_entry_put_in_with_a_seal_of_its_own_is_named(sealed, clinic):
    """All later seals moved up by one, so that there is neither a gap nor a number twice."""
    forged = audit_event("case.read", clinic_id=clinic.id)
    record([forged])
    tamper(
        ("UPDATE audit_auditseal SET sequence = sequence + 1000 WHERE chain = %s AND sequence > 4", clinic.id),
        ("UPDATE audit_auditseal SET sequence = sequence - 999 WHERE chain = %s AND sequence > 1000", clinic.id),
        (
            "INSERT INTO audit_auditseal (event_id, chain, sequence, form, previous, hash, sealed_at)"
            " VALUES (%s, %s, 5, 1, %s, %s, now())",
            forged.id, clinic.id, sealed[3].hash, link(b"guess", form=1, chain=clinic.id, sequence=5,
            previous=bytes(sealed[3].hash), columns=[]),
        ),
    )  # fmt: skip
    chain, sequence, what = the_problem()
    assert (chain, sequence) == (clinic.id, 5)
    assert "altered, or sealed with another key" in what


def test_two_entries_that_changed_places_are_named(sealed, clinic):
    one, two = sealed[2], sealed[3]
    tamper(
        ("UPDATE audit_auditseal SET sequence = 1000 WHERE event_id = %s", one.event_id),
        ("UPDATE audit_auditseal SET sequence = 3 WHERE event_id = %s", two.event_id),
        ("UPDATE audit_auditseal SET sequence = 4 WHERE event_id = %s", one.event_id),
    )
    chain, sequence, what = the_problem()
    assert (chain, sequence) == (clinic.id, 3)
    assert "does not follow" in what


def test_two_entries_that_changed_seals_are_named(sealed, clinic):
    one, two = sealed[2].event_id, sealed[3].event_id
    spare = "00000000-0000-7000-8000-000000000000"
    tamper(
        ("UPDATE audit_auditseal SET event_id = %s WHERE event_id = %s", spare, one),
        ("UPDATE audit_auditseal SET event_id = %s WHERE event_id = %s", one, two),
        ("UPDATE audit_auditseal SET event_id = %s WHERE event_id = %s", two, spare),
    )
    assert the_problem()[:2] == (clinic.id, 3)


def test_an_entry_moved_to_another_clinic_is_named(sealed, clinic, other):
    tamper(("UPDATE audit_auditevent SET clinic_id = %s WHERE id = %s", other.id, sealed[8].event_id))
    assert the_problem() == (clinic.id, 9, "the entry was moved to another clinic")


def test_entries_exchanged_between_two_clinics_are_named_in_both(sealed, clinic, other):
    theirs = AuditSeal.objects.get(chain=other.id, sequence=2)
    tamper(
        ("UPDATE audit_auditevent SET clinic_id = %s WHERE id = %s", other.id, sealed[1].event_id),
        ("UPDATE audit_auditevent SET clinic_id = %s WHERE id = %s", clinic.id, theirs.event_id),
        ("UPDATE audit_auditseal SET chain = %s, sequence = 1000 WHERE event_id = %s", other.id, sealed[1].event_id),
        ("UPDATE audit_auditseal SET chain = %s WHERE event_id = %s", clinic.id, theirs.event_id),
        ("UPDATE audit_auditseal SET sequence = 2 WHERE event_id = %s", sealed[1].event_id),
    )
    assert {(problem.chain, problem.sequence) for problem in problems()} == {(clinic.id, 2), (other.id, 2)}


def test_a_chain_written_anew_without_the_key_is_named_at_its_first_entry(sealed, clinic):
    previous, statements = FIRST, []
    for seal in sealed:
        digest = link(b"no key", form=1, chain=clinic.id, sequence=seal.sequence, previous=previous, columns=[])
        statements.append(
            ("UPDATE audit_auditseal SET previous = %s, hash = %s WHERE event_id = %s", previous, digest, seal.event_id)
        )
        previous = digest
    tamper(*statements)
    assert the_problem()[:2] == (clinic.id, 1)


def test_a_tail_cut_off_with_its_seals_is_known_from_the_file_of_heads(sealed, clinic, heads_file):
    gone = [seal.event_id for seal in sealed[7:]]
    tamper(
        ("DELETE FROM audit_auditseal WHERE event_id = ANY(%s)", gone),
        ("DELETE FROM audit_auditevent WHERE id = ANY(%s)", gone),
    )
    assert problems() == []
    chain, sequence, what = the_problem(heads_file)
    assert (chain, sequence) == (clinic.id, 8)
    assert "cut off" in what


def test_a_whole_chain_taken_away_is_known_from_the_file_of_heads(sealed, other, heads_file):
    tamper(
        ("DELETE FROM audit_auditseal WHERE chain = %s", other.id),
        ("DELETE FROM audit_auditevent WHERE clinic_id = %s", other.id),
    )
    assert the_problem(heads_file)[:2] == (other.id, 1)


def test_a_tail_altered_and_sealed_again_by_the_worker_itself_is_known_from_the_file_of_heads(
    sealed, clinic, heads_file
):
    """Seals removed and an entry altered: the worker, started anew on an emptied memory, seals it with the true key."""
    tamper(
        ("DELETE FROM audit_auditseal WHERE chain = %s AND sequence > 7", clinic.id),
        ("UPDATE audit_auditevent SET action = 'nothing' WHERE id = %s", sealed[8].event_id),
    )
    sealer = Sealer()
    sealer.known = {}
    sealer.run()
    chain, sequence, what = the_problem(heads_file)
    assert (chain, sequence) == (clinic.id, 10)
    assert "written anew" in what


def test_seals_taken_away_are_noticed_once_the_entries_are_older_than_ten_minutes(sealed, clinic, monkeypatch):
    tamper(("DELETE FROM audit_auditseal WHERE chain = %s AND sequence > 7", clinic.id))
    assert problems() == []
    later(monkeypatch, minutes=11)
    (found,) = problems()
    assert (found.chain, found.event) == (clinic.id, sealed[7].event_id)
    assert "without a seal" in found.what


def test_an_entry_dated_back_is_named_although_the_worker_sealed_it(sealed, clinic, monkeypatch):
    now = timezone.now()
    monkeypatch.setattr("django.utils.timezone.now", lambda: now - timedelta(days=3))
    record([audit_event("case.read", clinic_id=clinic.id)])
    monkeypatch.setattr("django.utils.timezone.now", lambda: now)
    Sealer().run()
    chain, sequence, what = the_problem()
    assert (chain, sequence) == (clinic.id, 11)
    assert "put in later" in what


def test_the_first_bad_entry_is_named_and_not_those_after_it(sealed, clinic):
    tamper(*[("UPDATE audit_auditevent SET action = 'x' WHERE id = %s", seal.event_id) for seal in sealed[3:8]])
    assert the_problem()[:2] == (clinic.id, 4)


def test_the_file_of_heads_itself_can_not_be_rewritten(sealed, heads_file):
    lines = heads_file.read_text().splitlines(keepends=True)
    head = json.loads(lines[0])
    heads_file.write_text("".join([json.dumps(head | {"head": head["head"].replace(" 1", " 2")}) + "\n", *lines[1:]]))
    with pytest.raises(CommandError, match="line 1 has a wrong signature"):
        call_command("verify_audit", heads=heads_file)
    heads_file.write_text("nothing\n")
    with pytest.raises(CommandError, match="line 1 can not be read"):
        call_command("verify_audit", heads=heads_file)


def test_the_worker_tells_at_once_when_what_it_sealed_is_gone(clinic, heads_file):
    sealer = Sealer()
    for number in range(3):
        record([audit_event(f"step {number}", clinic_id=clinic.id)])
    sealer.run()
    tamper(("DELETE FROM audit_auditseal WHERE chain = %s AND sequence = 3", clinic.id))
    record([audit_event("one more", clinic_id=clinic.id)])
    sealer.run()
    assert OutboxMessage.objects.filter(purpose="alert-chain").count() == 1


def test_a_worker_that_starts_anew_knows_the_heads_from_the_file(clinic, heads_file):
    record([audit_event("step", clinic_id=clinic.id)])
    Sealer().run()
    tamper(("DELETE FROM audit_auditseal WHERE chain = %s", clinic.id))
    Sealer().run()
    assert OutboxMessage.objects.filter(purpose="alert-chain").count() == 1


def test_a_forged_file_of_heads_is_told_and_does_not_stop_the_worker(clinic, heads_file):
    heads_file.write_text("nothing\n")
    record([audit_event("step", clinic_id=clinic.id)])
    assert Sealer().run() > 0
    assert OutboxMessage.objects.filter(purpose="alert-chain").count() == 1


def test_a_file_of_heads_that_can_not_be_written_does_not_stop_the_worker(clinic, settings, tmp_path, caplog):
    settings.AUDIT_HEADS_FILE = str(tmp_path / "missing" / "heads.log")
    record([audit_event("step", clinic_id=clinic.id)])
    assert Sealer().run() == 1
    assert "could not be written: FileNotFoundError" in caplog.text


def test_a_long_file_of_heads_is_read_from_its_end(sealed, heads_file, monkeypatch):
    for _ in range(50):
        write_heads(current_heads(), heads_file)
    monkeypatch.setattr("clinic_site.audit.heads._TAIL_BYTES", 3000)
    assert last_heads(heads_file) == current_heads()


def test_between_two_full_writes_only_the_chains_that_grew_are_written(sealed, clinic, heads_file):
    sealer = Sealer()
    sealer.run()
    before = len(heads_file.read_text().splitlines())
    record([audit_event("step", clinic_id=clinic.id)])
    sealer.run()
    added = list(read_heads(heads_file.read_text().splitlines()[before:]))
    assert [(head.chain, head.sequence) for head in added] == [(clinic.id, 11)]


def test_heads_go_to_the_file_with_new_entries_and_every_five_minutes(clinic, heads_file, monkeypatch):
    sealer = Sealer()
    record([audit_event("step", clinic_id=clinic.id)])
    assert [sealer.run(), sealer.run()] == [1, 0]
    assert len(heads_file.read_text().splitlines()) == 1
    later(monkeypatch, minutes=4, seconds=50)
    sealer.run()
    assert len(heads_file.read_text().splitlines()) == 1
    later(monkeypatch, minutes=1)
    sealer.run()
    first, second = read_heads(heads_file.open())
    assert (first.sequence, first.hash) == (second.sequence, second.hash) == current_heads()[clinic.id]
    assert first.at < second.at


def test_the_file_of_heads_shows_that_the_worker_lives_before_there_is_anything_to_seal(db, heads_file, monkeypatch):
    sealer = Sealer()
    assert sealer.run() == 0
    os.utime(heads_file, (0, 0))
    later(monkeypatch, minutes=6)
    sealer.run()
    assert heads_file.stat().st_mtime > 0
    assert list(read_heads(heads_file.open())) == []


def test_the_file_of_heads_is_only_added_to_and_for_its_owner_alone(clinic, heads_file):
    record([audit_event("step", clinic_id=clinic.id)])
    Sealer().run()
    before = heads_file.read_text()
    write_heads(current_heads(), heads_file)
    assert heads_file.read_text().startswith(before)
    assert heads_file.stat().st_mode & 0o077 == 0


def test_an_entry_committed_late_is_sealed_after_its_younger_neighbours(clinic, heads_file):
    events = [audit_event("step", clinic_id=clinic.id) for _ in range(2)]
    late, early = sorted(events, key=lambda event: event.id)
    sealer = Sealer()
    record([early])
    sealer.run()
    record([late])
    sealer.run()
    order = AuditSeal.objects.filter(chain=clinic.id).order_by("sequence").values_list("event_id", flat=True)
    assert list(order) == [early.id, late.id]
    assert problems(heads_file) == []


def test_an_entry_older_than_any_transaction_is_found_by_the_daily_look_at_all(clinic, monkeypatch):
    old = audit_event("old", clinic_id=clinic.id)
    later(monkeypatch, hours=3)
    sealer = Sealer()
    sealer.run()
    record([old])
    assert sealer.run() == 0
    later(monkeypatch, hours=25)
    assert sealer.run() == 1


def test_how_long_the_oldest_entry_waits_for_its_seal_is_known(clinic):
    assert waiting_since() is None
    events = [audit_event("step", clinic_id=clinic.id) for _ in range(2)]
    for event in events:
        record([event])
    assert waiting_since() == AuditEvent.objects.order_by("id")[0].recorded_at
    Sealer().run()
    assert waiting_since() is None


def test_more_entries_than_a_batch_are_all_sealed(clinic, monkeypatch):
    monkeypatch.setattr(sealing, "BATCH", 7)
    record([audit_event("many", clinic_id=clinic.id) for _ in range(20)])
    sealer = Sealer()
    assert [sealer.run() for _ in range(4)] == [7, 7, 6, 0]
    assert problems() == []


def test_sealing_costs_no_more_statements_for_many_entries_than_for_few(clinic, statements):
    sealer = Sealer()

    def cost(count):
        record([audit_event("some", clinic_id=clinic.id) for _ in range(count)])
        with statements() as seen:
            sealer.run()
        return len(seen.statements())

    cost(1)
    assert cost(2) == cost(200)


@pytest.mark.parametrize("statement", ["UPDATE audit_auditseal SET sequence = 9", "DELETE FROM audit_auditseal"])
def test_the_database_refuses_to_change_or_delete_a_seal(sealed, statement):
    with owner_of_tables(), pytest.raises(DatabaseError, match="pgtrigger: Cannot"), transaction.atomic():
        connection.cursor().execute(statement)
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)


def run_command(**options):
    out = io.StringIO()
    call_command("verify_audit", stdout=out, stderr=io.StringIO(), **options)
    return out.getvalue()


def test_the_command_says_how_many_entries_hold_and_how_fast_it_was(sealed):
    said = run_command()
    assert f"{AuditEvent.objects.count()} entries are as they were sealed and fit 3 written heads" in said
    assert "a second" in said


def test_the_command_names_the_bad_entry_ends_with_1_and_alerts(sealed, clinic, capsys):
    tamper(("UPDATE audit_auditevent SET action = 'x' WHERE id = %s", sealed[4].event_id))
    with pytest.raises(CommandError, match="1 place") as ended:
        call_command("verify_audit")
    assert ended.value.returncode == 1
    assert f"clinic {clinic.id}, number 5, entry {sealed[4].event_id}: the entry or its seal was altered" in (
        capsys.readouterr().out
    )
    assert OutboxMessage.objects.filter(purpose="alert-chain").count() == 1


def test_a_run_that_was_stopped_goes_on_where_it_stood(sealed, clinic, tmp_path, monkeypatch):
    monkeypatch.setattr("clinic_site.audit.verification.BATCH", 4)
    run = Verification()
    batches = run.batches()
    next(batches)
    place = tmp_path / "place"
    place.write_text(json.dumps(run.place))
    said = run_command(resume=place)
    assert f"{AuditEvent.objects.count() - 4} entries" in said
    assert not place.exists()
    place.write_text("nothing")
    with pytest.raises(CommandError, match="does not hold a place"):
        run_command(resume=place)


@pytest.mark.django_db(transaction=True)
def test_writers_and_sealers_at_once_leave_one_chain_without_forks_or_gaps(clinic, heads_file):
    """Forty writers, each with a connection of its own, and three workers on the same clinic: 10,000 entries."""
    written, begin = threading.Event(), threading.Barrier(WRITERS + SEALERS)

    def write(writer):
        begin.wait()
        try:
            for number in range(ENTRIES // WRITERS):
                record([audit_event(f"step {number}", clinic_id=clinic.id, writer=writer)])
        finally:
            connection.close()

    def seal():
        begin.wait()
        sealer = Sealer()
        try:
            while not written.is_set() or sealer.run():
                sealer.run()
        finally:
            connection.close()

    with ThreadPoolExecutor(WRITERS + SEALERS) as pool:
        sealing = [pool.submit(seal) for _ in range(SEALERS)]
        writing = [pool.submit(write, writer) for writer in range(WRITERS)]
        wait(writing)
        written.set()
    for done in writing + sealing:
        done.result()
    numbers = list(AuditSeal.objects.filter(chain=clinic.id).order_by("sequence").values_list("sequence", flat=True))
    assert numbers == list(range(1, ENTRIES + 1))
    assert problems(heads_file) == []
