from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.urls import reverse

from clinic_site.accounts.authority import Refused, lock_person
from clinic_site.accounts.grants import start_sign_in_anew
from clinic_site.accounts.models import User


class Command(BaseCommand):
    help = (
        "Removes somebody's password and second factors and mails them a link to begin again. For when a clinic has no "
        "two other administrators who could do it in admin. Check who is asking before you do."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True, help="The address the person has now.")
        parser.add_argument("--site", required=True, metavar="URL", help="As staff open it: https://clinic.example")

    def handle(self, *, email: str, site: str, **options: Any) -> None:
        person = User.objects.filter(email=email.lower()).first()
        held = person.memberships.first() if person else None
        if person is None or held is None:
            raise CommandError(f"Nobody with the address {email} holds a role.")
        try:
            with transaction.atomic():
                start_sign_in_anew(
                    lock_person(person.pk),
                    clinic_id=held.clinic_id,
                    new_email="",
                    by=None,
                    join_address=site.rstrip("/") + reverse("join"),
                )
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"A link waits to be mailed to {person.email}. It works once and for 72 hours.")
