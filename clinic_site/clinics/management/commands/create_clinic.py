from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from clinic_site.clinics.models import Clinic


class Command(BaseCommand):
    help = "Adds a clinic to an empty installation; the rest of its details are filled in in admin."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--slug", required=True, help="The last part of its public web address.")
        parser.add_argument("--name", required=True, help="As patients see it.")
        parser.add_argument("--phone", required=True)
        parser.add_argument("--alert-email", required=True, help="Who is called when someone may be in danger.")
        parser.add_argument("--time-zone", default="America/New_York")
        parser.add_argument("--states", nargs="+", required=True, help="Licensed states, for example: ny nj")
        parser.add_argument("--crisis-text", required=True, help="What a person in danger should do, in plain words.")

    def handle(self, **options: Any) -> None:
        clinic = Clinic(
            slug=options["slug"],
            name=options["name"],
            phone=options["phone"],
            alert_email=options["alert_email"],
            time_zone=options["time_zone"],
            licensed_states=[state.lower() for state in options["states"]],
            crisis_text=options["crisis_text"],
        )
        try:
            clinic.full_clean()
        except ValidationError as error:
            raise CommandError(
                "; ".join(f"{field}: {' '.join(e)}" for field, e in error.message_dict.items())
            ) from error
        clinic.save()
        self.stdout.write(f"{clinic.name} is there. Patients open /at/{clinic.slug}/ once content is published.")
