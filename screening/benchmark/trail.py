"""What the audit trail costs: the case page with and without it, and the work on a long trail."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, timedelta
from typing import Any
from unittest import mock

from django.db import connection
from django.utils import timezone

from clinic_site.accounts.models import User
from clinic_site.audit.breach import affected
from clinic_site.audit.reading import filtered, page_of, plot_of, visible_to
from clinic_site.audit.sealing import Sealer
from clinic_site.audit.verification import Verification
from clinic_site.clinics.models import Clinic

_SEALED = 20_000
# Four of five entries open one record, the fifth shows 25 in a list; the keys are of their time, as uuid7 makes them.
_FILL = """
    INSERT INTO audit_auditevent (id, clinic_id, recorded_at, actor, user_id, role, action, data, entity_type,
        entity_id, reference, listed, why, detail, address, route, request_id)
    SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || '7' || substr(md5(n::text), 1, 3)
            || '8' || substr(md5(n::text), 4, 15))::uuid,
        %(clinic)s, at, 'staff', %(user)s, 'clinician',
        CASE WHEN n %% 5 = 0 THEN 'queue.read' ELSE 'case.read' END,
        CASE WHEN n %% 5 = 0 THEN ARRAY['case status'] ELSE ARRAY['answers', 'findings'] END,
        'screening.case', gen_random_uuid(),
        CASE WHEN n %% 5 = 0 THEN '' ELSE to_char(n %% 20000, 'FM0000-0000') END,
        CASE WHEN n %% 5 = 0
            THEN ARRAY(SELECT to_char((n + k) %% 20000, 'FM0000-0000') FROM generate_series(1, 25) AS k) ELSE '{}' END,
        '', '{}', '192.0.2.7', 'screening:case', gen_random_uuid()
    FROM generate_series(1, %(count)s) AS n,
        LATERAL (SELECT %(until)s::timestamptz - (%(count)s - n) * (interval '30 days' / %(count)s) AS at) AS moment
"""


def without_audit() -> AbstractContextManager[object]:
    """Pages as they would be if nobody kept a trail."""
    return mock.patch("clinic_site.audit.services._insert", return_value=None)


def fill_trail(clinic: Clinic, user: User, count: int) -> None:
    """Entries of 30 days, up to now."""
    with connection.cursor() as cursor:
        cursor.execute(
            _FILL, {"clinic": clinic.id, "user": user.id, "count": count, "until": timezone.now().isoformat()}
        )
        cursor.execute("VACUUM ANALYZE audit_auditevent")


def measure_trail(auditor: User) -> list[str]:
    """One line a figure, on the trail as it was filled."""
    now, sealer, run = timezone.now(), Sealer(), Verification()
    wanted: dict[str, Any] = {"start": (now - timedelta(days=30)).date(), "end": now.date(), "patients": False}
    wanted |= dict.fromkeys(("person", "action", "clinic", "reference"), "")
    seconds, found = _timed(lambda: affected(start=now - timedelta(days=31), end=now))
    lines = [f"breach_report: {len(found):,} records in {seconds:.1f} s (bar 60)"]
    events = filtered(visible_to(auditor), wanted, UTC)
    one = filtered(visible_to(auditor), wanted | {"reference": "0000-0007"}, UTC)
    for name, work in (
        ("auditor's page, 50 entries", lambda: page_of(events, before=None)),
        ("auditor's page, one record", lambda: page_of(one, before=None)),
        ("auditor's page, plot of 30 days", lambda: plot_of(events, wanted, UTC)),
    ):
        lines.append(f"{name}: {1000 * _timed(work)[0]:.0f} ms (bar 300)")
    sealed, seconds = 0, 0.0
    while sealed < _SEALED and (taken := _timed(sealer.run))[1]:
        sealed, seconds = sealed + taken[1], seconds + taken[0]
    lines.append(f"sealing: {sealed / max(seconds, 0.001):,.0f} entries a second")
    seconds, _ = _timed(lambda: list(run.batches()))
    lines.append(f"verify_audit: {run.checked / max(seconds, 0.001):,.0f} entries a second")
    return lines


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    done = work()
    return time.perf_counter() - started, done
