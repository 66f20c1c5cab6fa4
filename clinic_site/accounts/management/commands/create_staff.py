import os
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from clinic_site.accounts.authority import Refused, check_separation, lock_clinic, lock_person
from clinic_site.accounts.models import Membership, User
from clinic_site.accounts.permissions import roles
from clinic_site.audit.services import audit_event, record
from clinic_site.clinics.models import Clinic


class Command(BaseCommand):
    help = (
        "Gives one role to somebody new, who then chooses a password here or in STAFF_PASSWORD, or to somebody who has "
        "an account. For the first administrators of a clinic: afterwards two of them do it in admin."
    )

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
        password = None
        if not User.objects.filter(email=email.lower()).exists():
            password = os.environ.get("STAFF_PASSWORD") or self._asked()
        try:
            user = self._give(email, name, place, role, password)
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from error
        except Refused as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{user.name} can sign in as {roles()[role].label} at {place.name}.")

    @transaction.atomic
    def _give(self, email: str, name: str, place: Clinic, role: str, password: str | None) -> User:
        lock_clinic(place.id)
        if password is None:
            user = lock_person(User.objects.get(email=email.lower()).pk)
            if not user.is_active:
                raise CommandError(f"{email} has left: an administrator invites them anew.")
            if user.memberships.filter(clinic=place, role=role).exists():
                raise CommandError(f"{email} is there already: {roles()[role].label} at {place.name}.")
        else:
            validate_password(password, User(email=email, name=name))
            user = User.objects.create_user(email, password, name=name)
            record([audit_event("staff.added", clinic_id=place.id, entity=user)])
        check_separation([role, *user.memberships.values_list("role", flat=True)])
        Membership.objects.create(user=user, clinic=place, role=role, origin=Membership.Origin.SHELL)
        record([audit_event("role.granted", clinic_id=place.id, entity=user, role=role)])
        return user

    def _asked(self) -> str:
        try:
            password = getpass("Password: ")
            if password != getpass("Password again: "):
                raise CommandError("The two passwords are not equal. Nobody was added.")
        except (EOFError, KeyboardInterrupt) as error:
            raise CommandError("No password was given. Nobody was added.") from error
        return password
