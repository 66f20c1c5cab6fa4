"""A person who set up ways to come back, and the mail that the worker sends them."""

import re
from typing import Any

from django.core import mail
from django.test import Client

from clinic_site.clinics.models import Clinic
from intake.return_mail import send_links
from tests.patients import PatientBrowser

SECOND = "481516"
ADDRESS = "sam.quixote@example.com"


def with_ways(clinic: Clinic, *, second: str = SECOND, **chosen: str) -> tuple[PatientBrowser, str]:
    """A draft with an e-mail address among its answers, and the code on paper if one was chosen."""
    patient = PatientBrowser(clinic, {"email": {"": ADDRESS}})
    patient.save("legal_given_name", legal_given_name={"": "Quixotina"})
    patient.save("phone")
    kept = choose(patient, second=second, **(chosen or {"on_paper": "1", "by_mail": "1"}))
    assert kept.status_code == 200, kept.context["problems"]
    return patient, kept.context["code"]


def choose(patient: PatientBrowser, *, second: str = SECOND, again: str | None = None, **chosen: str) -> Any:
    fields = {"second": second, "again": second if again is None else again, **chosen}
    return patient.client.post(f"/intake/{patient.public_id}/return/", fields)


def ask(clinic: Clinic, address: str = ADDRESS, *, client: Client | None = None) -> Any:
    return (client or Client()).post(f"/at/{clinic.slug}/continue/", {"email": address})


def mailed(clinic: Clinic, address: str = ADDRESS) -> tuple[str, str]:
    """The token and the code of a link that was asked for and sent."""
    mail.outbox.clear()
    ask(clinic, address)
    send_links()
    return read_mail()


def read_mail() -> tuple[str, str]:
    body = mail.outbox[-1].body
    token = re.search(r"/continue/open/#([\w-]+)$", body, re.MULTILINE)
    code = re.search(r"asked for it: ([0-9A-Z-]+)$", body, re.MULTILINE)
    assert token
    assert code
    return token.group(1), code.group(1)


def open_draft(clinic: Clinic, client: Client | None = None, *, second: str = SECOND, **shown: str) -> Any:
    return (client or Client()).post(f"/at/{clinic.slug}/continue/open/", {"second": second, **shown})
