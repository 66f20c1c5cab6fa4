from typing import Any

from django.core.management.base import BaseCommand

from intake.purging import purge_drafts


class Command(BaseCommand):
    help = "Removes drafts that nobody went on with for 30 days. The worker does the same every hour."

    def handle(self, **options: Any) -> None:
        self.stdout.write(f"Removed {purge_drafts()} old drafts.")
