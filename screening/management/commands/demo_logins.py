import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from clinic_site.accounts.permissions import roles
from screening.demo.seeding import NotADemo, check_demo, demo_clinics, demo_password


class Command(BaseCommand):
    help = "Prints what to open in the demo and how to sign in. SITE_URL says where it is served."
    requires_system_checks: list[str] = []

    def handle(self, **options: Any) -> None:
        try:
            check_demo()
        except NotADemo as error:
            raise CommandError(str(error)) from error
        site = os.environ.get("SITE_URL", "http://127.0.0.1:8000").rstrip("/")
        first, *_others = demo_clinics()
        logins = [
            (roles()[member["role"]].label, clinic["name"], member["name"], member["email"])
            for clinic in demo_clinics()
            for member in clinic["staff"]
        ]
        rows = [("Role", "Clinic", "Name", "Sign in as"), *logins]
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        table = ["  ".join([*(f"{row[n]:{widths[n]}}" for n in range(3)), row[3]]) for row in rows]
        lines = [
            f"Patients   {site}{reverse('intake:start', args=[first['slug']])}",
            f"Staff      {site}{reverse('sign-in')}",
            f"Password   {demo_password()}   (for everybody below)",
            "",
            *table,
        ]
        self.stdout.write("\n".join(lines))
