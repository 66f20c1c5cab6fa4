import os
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.urls import reverse

from clinic_site.accounts.factors import PERIOD_SECONDS, app_code, current_step
from clinic_site.accounts.permissions import roles
from screening.demo.seeding import NotADemo, check_demo, demo_app_key, demo_clinics, demo_password


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
            f"App key    {demo_app_key()}   (for an authenticator app, or run `./run manage demo_logins` for a code)",
            f"Code now   {self._code()}",
            "",
            *table,
        ]
        self.stdout.write("\n".join(lines))

    def _code(self) -> str:
        """The code that an app would show, with the one after it: each person can use a code once."""
        now = current_step()
        ends = datetime.fromtimestamp((now + 1) * PERIOD_SECONDS, UTC)
        codes = [app_code(demo_app_key(), step) for step in (now, now + 1)]
        return f"{codes[0]} until {ends:%H:%M:%S} UTC, then {codes[1]}; each person can use a code once"
