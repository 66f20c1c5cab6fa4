"""A master key is changed while records are read and written, and a kill at any moment loses nothing.

`ROTATION_ROWS=100000 ./run test tests/clinic_site/test_key_rotation.py` rehearses it at the size of a large clinic.
"""

import os
import subprocess
import sys
from hashlib import sha256
from io import StringIO
from urllib.parse import urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.db import close_old_connections, connection, transaction

from clinic_site.audit.models import AuditEvent
from clinic_site.encryption import checks
from clinic_site.encryption.cipher import master_key_id
from clinic_site.encryption.keyring import Ring, fingerprint, new_ring, ring, write_ring
from clinic_site.encryption.models import DataKey, InstallationKey, KeyUse
from clinic_site.encryption.rotation import misfits, remember_keys, rows_by_master_key, wrap_all_anew
from clinic_site.launcher.environment import PROJECT
from clinic_site.launcher.processes import wait_until
from tests.conftest import make_clinic

ROWS = int(os.environ.get("ROTATION_ROWS", "2000"))


@pytest.fixture
def keys(other_keys):
    """An installation whose database knows the keys in a file of its own. Gives the path of the file."""
    path = other_keys(new_ring())
    InstallationKey.objects.all().delete()
    remember_keys()
    return path


def data_keys(clinic, count: int) -> list[DataKey]:
    return DataKey.objects.bulk_create([DataKey.generate(clinic) for _ in range(count)], batch_size=1000)


def sealed_under(rows: list[DataKey]) -> dict:
    """One value sealed under each key, as a record would hold it."""
    return {row.id: row.seal(f"value of {row.id}", row=row, label="a.field") for row in rows}


def digest_of_everything_opened(sealed: dict) -> str:
    """Opens each value with its row as it stands in the database now."""
    read = sha256()
    for row in DataKey.objects.order_by("id").iterator():
        read.update(row.unseal(sealed[row.id], row=row, label="a.field").encode())
    return read.hexdigest()


def keys_command(*words: str) -> str:
    out = StringIO()
    call_command("keys", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.mark.django_db
class TestRotation:
    def test_every_record_is_under_the_new_key_and_reads_the_same(self, keys, clinic):
        rows, old = data_keys(clinic, 1200), master_key_id()
        sealed = sealed_under(rows)
        before = digest_of_everything_opened(sealed)
        keys_command("rotate")
        assert master_key_id() != old
        assert rows_by_master_key() == {master_key_id(): 1200}
        assert digest_of_everything_opened(sealed) == before

    def test_both_keys_read_while_it_is_under_way(self, keys, clinic):
        rows = data_keys(clinic, 600)
        sealed = sealed_under(rows)
        write_ring(keys, ring().with_new_master())
        assert next(wrap_all_anew()).wrapped == 500
        assert sorted(rows_by_master_key().values()) == [100, 500]
        digest_of_everything_opened(sealed)
        new = DataKey.generate(clinic)
        assert new.master_key_id == master_key_id()

    def test_run_again_it_goes_on_with_the_key_it_had_made(self, keys, clinic):
        data_keys(clinic, 600)
        write_ring(keys, ring().with_new_master())
        next(wrap_all_anew())
        begun = ring()
        assert "100 records are under" in keys_command("rotate")
        assert ring() == begun
        assert rows_by_master_key() == {master_key_id(): 600}

    def test_it_leaves_the_derivation_key_and_with_it_every_look_up(self, keys, clinic):
        data_keys(clinic, 3)
        before = ring().derivation
        keys_command("rotate")
        assert ring().derivation == before
        assert misfits() == []

    def test_an_altered_key_is_named_and_left_and_the_others_go_on(self, keys, clinic):
        rows = data_keys(clinic, 5)
        DataKey.objects.filter(id=rows[2].id).update(wrapped=b"\0" * 60)
        with pytest.raises(CommandError, match=f"1 data keys could not be opened.*{rows[2].id}"):
            keys_command("rotate")
        assert sorted(rows_by_master_key().values()) == [1, 4]

    def test_it_is_in_the_audit_trail_and_prints_no_key(self, keys, clinic):
        data_keys(clinic, 3)
        out = keys_command("rotate") + keys_command("status") + keys_command("retire") + keys_command("check")
        actions = ["keys.rotated", "keys.retired"]
        assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == actions
        told = out + str(list(AuditEvent.objects.values_list("detail", flat=True)))
        assert not any(line.split()[1] in told for line in keys.read_text().splitlines())

    def test_the_file_stays_closed_and_no_draft_of_it_is_left(self, keys, clinic):
        keys.chmod(0o400)
        keys_command("rotate")
        assert keys.stat().st_mode & 0o777 == 0o400
        assert os.listdir(keys.parent) == [keys.name]

    def test_a_variable_is_not_rotated_but_its_rows_are(self, keys, clinic, settings):
        data_keys(clinic, 3)
        first = ring()
        settings.MASTER_KEY_FILE, settings.MASTER_KEY = "", first.to_text()
        with pytest.raises(CommandError, match="MASTER_KEY is a variable"):
            keys_command("rotate")
        settings.MASTER_KEY = first.with_new_master().to_text()
        keys_command("rotate")
        assert rows_by_master_key() == {master_key_id(): 3}


@pytest.mark.django_db
class TestRetiring:
    def test_a_key_that_a_row_names_is_not_taken_out(self, keys, clinic):
        data_keys(clinic, 2)
        old = ring()
        write_ring(keys, old.with_new_master())
        with pytest.raises(CommandError, match=rf"Still in use: {fingerprint(old.current)} \(2 rows\)"):
            keys_command("retire")
        assert len(ring().masters) == 2

    def test_afterwards_the_new_key_alone_opens_everything_and_the_start_is_allowed(self, keys, clinic):
        sealed = sealed_under(data_keys(clinic, 4))
        keys_command("rotate")
        keys_command("retire")
        assert len(ring().masters) == 1
        digest_of_everything_opened(sealed)
        assert misfits() == []
        assert InstallationKey.objects.filter(use=KeyUse.MASTER, retired_at__isnull=True).count() == 1

    def test_a_kill_before_the_file_is_written_is_made_good_by_running_it_again(self, keys, clinic, monkeypatch):
        data_keys(clinic, 2)
        keys_command("rotate")

        def killed(*_args, **_options):
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr("clinic_site.encryption.management.commands.keys.write_ring", killed)
            with pytest.raises(KeyboardInterrupt):
                keys_command("retire")
        assert misfits() == []
        keys_command("retire")
        assert len(ring().masters) == 1


@pytest.mark.django_db
class TestStart:
    """What `wsgi.py` asks before the first page."""

    def errors(self):
        return [error.msg for error in checks.keys_fit_the_database(databases=["default"])]

    def test_the_right_keys_are_accepted(self, keys, clinic):
        data_keys(clinic, 1)
        assert self.errors() == []

    def test_a_database_that_a_migration_made_knows_its_keys(self, keys):
        InstallationKey.objects.all().delete()
        call_command("migrate", "encryption", verbosity=0)
        assert InstallationKey.objects.count() == 2

    def test_another_master_key_is_refused_by_the_name_of_the_missing_one(self, keys, clinic):
        lost = ring()
        write_ring(keys, Ring(new_ring().masters, lost.derivation))
        assert self.errors() == [
            f"The master key {fingerprint(lost.current)} is missing: records of this database are sealed with it. "
            "Put it back into the file."
        ]

    def test_another_derivation_key_is_refused(self, keys, clinic):
        write_ring(keys, Ring(ring().masters, new_ring().derivation))
        assert [error.split(":")[0] for error in self.errors()] == [
            "The derivation key is not the one of this database"
        ]

    def test_a_database_of_an_earlier_version_is_compared_with_its_newest_record(self, keys, clinic):
        data_keys(clinic, 1)
        InstallationKey.objects.all().delete()
        assert self.errors() == []
        write_ring(keys, new_ring())
        assert [error.split(" was")[0] for error in self.errors()] == ["The newest record's key"]

    @pytest.mark.parametrize("verb", ["check", "rotate"])
    def test_the_commands_refuse_wrong_keys_and_do_not_remember_them(self, keys, clinic, verb):
        write_ring(keys, new_ring())
        with pytest.raises(CommandError, match="is missing"):
            keys_command(verb)
        assert InstallationKey.objects.count() == 2


def environment(key_file) -> dict[str, str]:
    """For a process of its own on this test's database."""
    url = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}").geturl()
    # As the program's own role, not as the owner that the tests begin with.
    inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_ROLE"}
    return {**inherited, "DATABASE_URL": url, "MASTER_KEY_FILE": str(key_file)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("missing", [False, True], ids=["wrong key", "no key"])
def test_a_server_process_with_the_wrong_key_or_none_ends_before_its_first_page(keys, tmp_path, missing):
    other = tmp_path / "other.key"
    if not missing:
        write_ring(other, new_ring(), new=True)
    words = {"env": environment(other), "cwd": PROJECT, "capture_output": True, "text": True, "timeout": 120}
    served = subprocess.run([sys.executable, "-c", "import clinic_site.wsgi"], **words)
    assert served.returncode == 1
    assert ("MASTER_KEY_FILE can not be read" if missing else "is missing") in served.stderr
    assert "Traceback" not in served.stderr
    words["env"] = environment(keys)
    assert subprocess.run([sys.executable, "-c", "import clinic_site.wsgi"], **words).stderr == ""


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_in_the_middle_three_times_loses_nothing_and_the_next_one_ends_it(keys):
    rows = data_keys(make_clinic("riverside"), ROWS)
    sealed, old = sealed_under(rows), master_key_id()
    before = digest_of_everything_opened(sealed)
    command = [sys.executable, str(PROJECT / "manage.py"), "keys", "rotate"]
    for share in (0.3, 0.55, 0.8):
        # The batch that holds this row waits for it, so that the kill comes in the middle at any speed.
        held = rows[int(ROWS * share)]
        with transaction.atomic():
            DataKey.objects.select_for_update().get(id=held.id)
            child = subprocess.Popen(command, env=environment(keys), cwd=PROJECT, stderr=subprocess.PIPE)
            for _ in wait_until(120, every=0.05):
                assert child.poll() is None, child.stderr.read()
                if _somebody_waits_for_this_transaction():
                    break
            else:
                pytest.fail("The rotation never came to the row that is held.")
            child.kill()
            child.communicate()
        counts = rows_by_master_key()
        assert set(counts) == {old, master_key_id()}
        assert counts[old] >= ROWS - int(ROWS * share)
        assert digest_of_everything_opened(sealed) == before
        # A patient starts meanwhile.
        rows_meanwhile = data_keys(rows[0].clinic, 1)
        sealed |= sealed_under(rows_meanwhile)
        before = digest_of_everything_opened(sealed)
    assert len(ring().masters) == 2
    done = subprocess.run(command, env=environment(keys), cwd=PROJECT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert rows_by_master_key() == {master_key_id(): ROWS + 3}
    keys_command("retire")
    assert len(ring().masters) == 1
    assert digest_of_everything_opened(sealed) == before
    close_old_connections()


def _somebody_waits_for_this_transaction() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid")
        return cursor.fetchone()[0] > 0
