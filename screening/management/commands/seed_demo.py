from typing import Any

from django.core.management.base import BaseCommand, CommandError

from intake.published import NothingPublished
from screening.demo.seeding import NotADemo, demo_people, seed_demo


class Command(BaseCommand):
    help = "Sets up the demo clinics with made-up staff and patients, once. Needs DEMO=1."

    def handle(self, **options: Any) -> None:
        try:
            is_new = seed_demo()
        except NotADemo as error:
            raise CommandError(str(error)) from error
        except NothingPublished as error:
            raise CommandError("No questionnaire is published: run manage.py publish_content first.") from error
        self.stdout.write(f"Made up {len(demo_people())} people." if is_new else "The demo stands already.")
