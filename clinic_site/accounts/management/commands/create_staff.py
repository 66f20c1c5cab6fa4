import os
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.permissions import roles
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic


class Command(BaseCommand):
    help = "Adds a member of staff with one role. Asks for the password, or reads it from the variable STAFF_PASSWORD."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--email", required=True)
        parser.add_argument("--name", required=True, help="As it stands under a signature.")
        parser.add_argument("--clinic", required=True, metavar="SLUG", help="The public address of the clinic.")
        parser.add_argument("--role", required=True, choices=sorted(roles()))

    def handle(self, *, email: str, name: str, clinic: str, role: str, **options: Any) -> None:
        place = Clinic.objects.filter(slug=clinic).first()
        if place is None:
            known = ", ".join(Clinic.objects.order_by("slug").values_list("slug", flat=True)) or "none yet"
            raise CommandError(f"There is no clinic with the public address '{clinic}'. Known: {known}.")
        if User.objects.filter(email=email.lower()).exists():
            raise CommandError(f"{email} is there already: grant further roles in admin.")
        password = os.environ.get("STAFF_PASSWORD") or self._asked()
        try:
            validate_password(password, User(email=email, name=name))
            with transaction.atomic():
                user = User.objects.create_user(email, password, name=name)
                Membership.objects.create(user=user, clinic=place, role=role)
                record(
                    [
                        audit_event("staff.added", clinic_id=place.id, entity=user),
                        audit_event("role.granted", clinic_id=place.id, entity=user, role=role),
                    ]
                )
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        self.stdout.write(f"{user.name} can sign in as {roles()[role].label} at {place.name}.")

    def _asked(self) -> str:
        try:
            password = getpass("Password: ")
            if password != getpass("Password again: "):
                raise CommandError("The two passwords are not equal. Nobody was added.")
        except (EOFError, KeyboardInterrupt) as error:
            raise CommandError("No password was given. Nobody was added.") from error
        return password
