import csv
import time
import zoneinfo
from argparse import ArgumentParser
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_date, parse_datetime

from clinic_site.accounts.models import User
from clinic_site.audit.breach import affected
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic


class Command(BaseCommand):
    help = "Lists whose data staff opened in a span of time, and which classes of data, as CSV; a summary on stderr."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--from", dest="start", required=True, metavar="WHEN", help="2026-11-23 or 2026-11-23T08:30"
        )
        parser.add_argument("--to", dest="end", required=True, metavar="WHEN", help="up to, not including")
        parser.add_argument("--actor", metavar="EMAIL", help="only what this member of staff opened")
        parser.add_argument("--zone", default="UTC", help="of the times given and printed, such as America/New_York")

    def handle(self, *, start: str, end: str, actor: str | None, zone: str, **options: Any) -> None:
        try:
            tz = zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise CommandError(f"{zone} is no time zone.") from error
        begins, ends = _moment(start, tz), _moment(end, tz)
        user = User.objects.filter(email=actor.lower()).first() if actor else None
        if actor and user is None:
            raise CommandError(f"Nobody has the address {actor}.")
        begun = time.monotonic()
        records = affected(start=begins, end=ends, actor=user)
        clinics = dict(Clinic.objects.values_list("id", "slug"))
        rows = csv.writer(self.stdout)
        rows.writerow(["reference", "clinic", "first", "last", "times", "data"])
        for one in records:
            moments = [moment.astimezone(tz).isoformat(timespec="seconds") for moment in (one.first, one.last)]
            clinic = clinics.get(one.clinic_id, "") if one.clinic_id else ""
            rows.writerow([one.reference, clinic, *moments, one.times, "; ".join(sorted(one.data))])
        classes = Counter(name for one in records for name in one.data)
        self.stderr.write(f"{len(records):,} records affected ({time.monotonic() - begun:.1f} s).")
        for name, count in sorted(classes.items()):
            self.stderr.write(f"  {name}: {count:,}")
        asked = [moment.astimezone(UTC).isoformat() for moment in (begins, ends)]
        record([audit_event("audit.reported", clinic_id=None, entity=user, records=len(records), between=asked)])


def _moment(text: str, zone: zoneinfo.ZoneInfo) -> datetime:
    try:
        moment = parse_datetime(text)
        day = None if moment else parse_date(text)
    except ValueError:
        moment = day = None
    if day is not None:
        moment = datetime(day.year, day.month, day.day, tzinfo=zone)
    if moment is None:
        raise CommandError(f"{text} is no date or time: write 2026-11-23 or 2026-11-23T08:30.")
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)
