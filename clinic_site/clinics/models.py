import datetime
import zoneinfo

from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from clinic_site.records.identifiers import uuid7

WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


def check_zone(name: str) -> None:
    if name not in zoneinfo.available_timezones():
        raise ValidationError("Write a time zone by its name, for example America/New_York.")


def check_states(codes: list[str]) -> None:
    wrong = [code for code in codes if not (len(code) == 2 and code.isalpha() and code.islower())]
    if wrong:
        raise ValidationError("Write states as a list of two small letters each, for example [“ny”, “nj”].")


def check_hours(hours: dict[str, list[str]]) -> None:
    message = "Write hours as {“monday”: [“09:00”, “17:00”], …}; leave a closed day out."
    if not isinstance(hours, dict):
        raise ValidationError(message)
    for day, span in hours.items():
        try:
            opens, closes = (datetime.time.fromisoformat(value) for value in span)
        except (TypeError, ValueError) as error:
            raise ValidationError(message) from error
        if day not in WEEKDAYS or opens >= closes:
            raise ValidationError(message)


def check_holidays(dates: list[str]) -> None:
    try:
        for value in dates:
            datetime.date.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise ValidationError("Write holidays as a list of dates, for example [“2026-12-25”].") from error


class Clinic(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(
        max_length=120, help_text="As patients see it. Choose a name that does not say what is treated."
    )
    slug = models.SlugField(
        "public address", unique=True, help_text="The last part of the web address that patients open."
    )
    phone = models.CharField(max_length=30)
    alert_email = models.EmailField(
        help_text="Who is called when someone may be in danger. The message carries no names."
    )
    time_zone = models.CharField(max_length=60, default="America/New_York", validators=[check_zone])
    hours = models.JSONField(default=dict, blank=True, validators=[check_hours])
    holidays = models.JSONField(default=list, blank=True, validators=[check_holidays])
    licensed_states = models.JSONField(default=list, validators=[check_states])
    crisis_text = models.TextField(
        help_text="Shown on the page for people in danger, under the national numbers. Plain words.",
        validators=[RegexValidator(r"\S", "Write what a person in danger should do.")],
    )
    crisis_text_review_by = models.DateField(null=True, blank=True)
    is_accepting = models.BooleanField("takes new patients", default=True)

    def __str__(self) -> str:
        return self.name

    @property
    def phone_digits(self) -> str:
        """The number as a link dials it."""
        return "".join(character for character in self.phone if character not in " -()")

    def local_now(self) -> datetime.datetime:
        return timezone.now().astimezone(zoneinfo.ZoneInfo(self.time_zone))

    def date_of(self, instant: datetime.datetime) -> datetime.date:
        return instant.astimezone(zoneinfo.ZoneInfo(self.time_zone)).date()

    def today(self) -> datetime.date:
        """The calendar date at the clinic, which is the date that answers are about."""
        return self.local_now().date()

    def is_open(self) -> bool:
        """Whether somebody is at the clinic now, by its published hours and holidays."""
        now = self.local_now()
        span = self.hours.get(WEEKDAYS[now.weekday()])
        if not span or now.date().isoformat() in self.holidays:
            return False
        opens, closes = (datetime.time.fromisoformat(value) for value in span)
        return opens <= now.time() < closes
