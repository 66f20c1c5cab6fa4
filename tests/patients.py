"""A patient in front of the test client: walks the real pages and posts what a browser would."""

import datetime
import itertools
from collections.abc import Mapping
from typing import Any

from django.test import Client

from clinic_site.clinics.models import Clinic
from intake.models import QuestionnaireResponse
from intake.published import questionnaire_of
from intake.questionnaires import Item
from screening.demo.answers import nothing_to_declare_code

Posted = dict[str, Any]

# A synthetic person with nothing to declare, by link_id: what the parts of each question post.
NOTHING_TO_DECLARE: Mapping[str, Posted] = {
    "date_of_birth": {".month": "4", ".day": "27", ".year": "1985"},
    "state_now": {"": "ny"},
    "esign_access_check": {"": "lantern"},
    "legal_given_name": {"": "Sam"},
    "legal_family_name": {"": "Sample"},
    "sex_recorded": {"": "female"},
    "preferred_language": {"": "en"},
    "phone": {"": "212 555 0100"},
    "contact_ok": {"": ["voicemail"]},
    "emergency_contact_name": {"": "Pat Placeholder"},
    "emergency_contact_relation": {"": "friend"},
    "emergency_contact_phone": {"": "212 555 0199"},
    "current_location": {"": "At home, 1 Example Street"},
    "emergency_symptoms_now": {"": ["none"]},
    "feels_safe_at_home": {"": "yes"},
    "medicines": {".none": "1"},
    "height": {".feet": "5", ".inches": "8"},
    "weight": {".pounds": "160"},
    "blood_pressure": {".systolic": "118", ".diastolic": "76"},
    "bp_reading_place": {"": "home"},
    "adult_escort_available": {"": "yes"},
    "adult_at_home_evening": {"": "yes"},
    "private_space_for_video_visits": {"": "yes"},
    "steady_place_to_stay": {"": "yes"},
    "other_allergies": {"": "none"},
}


def default_post(item: Item) -> Posted:
    """What somebody with nothing to declare posts for a question that has no entry of its own."""
    if item.type == "signature":
        return {".agree": "signed", ".name": "Sam Sample"}
    if item.type == "choice":
        return {"": nothing_to_declare_code(item) or item.options[-1].code}
    if item.type == "multiple_choice":
        return {"": [nothing_to_declare_code(item) or item.options[0].code]}
    if item.type == "date":
        today = datetime.datetime.now(datetime.UTC).date() - datetime.timedelta(days=1)
        return {".month": str(today.month), ".day": str(today.day), ".year": str(today.year)}
    return {}


_homes = itertools.count()


def _address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


class PatientBrowser:
    """One patient in one browser. `answers` stand over those of somebody with nothing to declare."""

    def __init__(self, clinic: Clinic, answers: Mapping[str, Posted] | None = None) -> None:
        # Everybody at home, because one network may start only so many intakes an hour.
        self.clinic, self.client = clinic, Client(REMOTE_ADDR=_address(next(_homes)))
        self.answers = {**NOTHING_TO_DECLARE, **(answers or {})}
        started = self.client.post(f"/at/{clinic.slug}/")
        self.public_id = started["Location"].split("/")[2]

    @property
    def response(self) -> QuestionnaireResponse:
        return QuestionnaireResponse.objects.select_related("clinic", "data_key").get(public_id=self.public_id)

    def number(self, link_id: str) -> int:
        return questionnaire_of(self.response).page_of[link_id].number

    def url(self, link_id: str) -> str:
        return f"/intake/{self.public_id}/{self.number(link_id)}/"

    def posted(self, number: int, **answers: Posted) -> Posted:
        """The fields of one page, without its ticket."""
        page = questionnaire_of(self.response).pages[number - 1]
        fields: Posted = {}
        for item in page.questions:
            parts = answers.get(item.link_id) or self.answers.get(item.link_id) or default_post(item)
            fields |= {f"{item.link_id}{part}": value for part, value in parts.items()}
        return fields

    def save(self, link_id: str, **answers: Posted) -> Any:
        """Opens the page of a question and saves it; `answers` by link_id stand over the person's own."""
        number = self.number(link_id)
        url = f"/intake/{self.public_id}/{number}/"
        shown = self.client.get(url)
        assert shown.status_code == 200, f"{link_id}: {shown.status_code}"
        return self.client.post(url, {"ticket": shown.context["ticket"], **self.posted(number, **answers)})

    def fill_in(self, *, until: str = "") -> "PatientBrowser":
        """Goes through every page that is asked, in order, as the redirects lead, up to (not including) that of `until`."""
        url = f"/intake/{self.public_id}/1/"
        stop = self.url(until) if until else f"/intake/{self.public_id}/check/"
        while url != stop:
            shown = self.client.get(url)
            assert shown.status_code == 200, f"{url}: {shown.status_code}"
            number = shown.context["page"].number
            saved = self.client.post(url, {"ticket": shown.context["ticket"], **self.posted(number)})
            assert saved.status_code == 303, (
                f"page {number}: {saved.status_code} {saved.context and saved.context['problems']}"
            )
            url = saved["Location"]
            if url.endswith(("/help/", "/return/")):
                url = self.client.get(url).context["continue_url"]
        return self

    def wake(self) -> Any:
        """Goes on after a pause, in the same browser."""
        return self.client.post(f"/intake/{self.public_id}/continue/")

    def submit(self) -> Any:
        shown = self.client.get(f"/intake/{self.public_id}/check/")
        key = shown.context["idempotency_key"]
        return self.client.post(f"/intake/{self.public_id}/submit/", {"idempotency_key": key})
