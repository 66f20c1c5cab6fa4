import zoneinfo
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from clinic_site.audit.accounting import YEARS, who_looked
from clinic_site.audit.services import audit_event, record


class Command(BaseCommand):
    help = "Prints who looked at one person's record, for the person who asks for it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("reference", help="for example 7QK2-M9XD")
        parser.add_argument("--names", action="store_true", help="names of people instead of their roles")
        parser.add_argument(
            "--zone", default="UTC", type=zoneinfo.ZoneInfo, help="whose days, such as America/New_York"
        )

    def handle(self, *, reference: str, names: bool, zone: zoneinfo.ZoneInfo, **options: Any) -> None:
        reference = reference.upper()
        looks = who_looked(reference, zone=zone, names=names)
        record([audit_event("accounting.printed", clinic_id=None, reference=reference, names=names)])
        for look in looks:
            times = f", {look.times} times" if look.times > 1 else ""
            self.stdout.write(f"{look.day:%Y-%m-%d}  {look.who}: {look.what}{times}")
        if not looks:
            self.stdout.write(f"Nobody looked at {reference} within {YEARS} years, or there is no such record.")
