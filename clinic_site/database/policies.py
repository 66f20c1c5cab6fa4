"""Who sees which rows: PostgreSQL's row-level security, forced on the owner too.

A transaction names its clinics in `app.clinics` (`everything` for the worker and commands). Without it there are no
rows. A patient's page knows only the address of its response, and names that in `app.response`.

Applied after every `migrate` by `privileges.py`, so that a new table can not come without.
"""

from dataclasses import dataclass

from django.apps import apps

from clinic_site.records.rows import ClinicRow

# In a SELECT of its own, so that it is worked out once for a statement and not for every row.
_EVERYTHING = "(SELECT current_setting('app.clinics', true)) = 'everything'"
_OWN_CLINICS = """clinic_id = ANY ((SELECT
    CASE WHEN current_setting('app.clinics', true) IN ('', 'everything') THEN '{}'
    ELSE string_to_array(current_setting('app.clinics', true), ',')::uuid[] END)::uuid[])"""
_OWN = f"{_EVERYTHING} OR {_OWN_CLINICS}"
_ANY_CLINIC = "(SELECT current_setting('app.clinics', true)) <> ''"
_RESPONSE = "(SELECT nullif(current_setting('app.response', true), ''))"


@dataclass(frozen=True)
class Policy:
    """What may be seen (and so changed), and what may be written."""

    see: str = _OWN
    write: str = _OWN


_SPECIAL = {
    "intake_questionnaireresponse": Policy(see=f"{_OWN} OR public_id = {_RESPONSE}"),
    "encryption_datakey": Policy(
        see=f"{_OWN} OR id = (SELECT data_key_id FROM intake_questionnaireresponse WHERE public_id = {_RESPONSE})"  # noqa: S608
    ),
    # A trace is never refused: signing in, a look at another clinic that was turned away, and the first entry of a new
    # clinic are written where that clinic is not open. Those without a clinic are of the installation and its people.
    "audit_auditevent": Policy(see=f"{_OWN} OR (clinic_id IS NULL AND {_ANY_CLINIC})", write="true"),
}

# Tables with a clinic that are not protected, and why not.
LEFT_OUT = {
    "accounts_accesschange": "who asked for which role, as memberships; holds nothing of patients",
    "accounts_membership": "read to learn which clinics a person may see, before any is; holds nothing of patients",
}


def policies() -> dict[str, Policy]:
    """By table. Every ClinicRow is protected without being named here."""
    clinical = [model._meta.db_table for model in apps.get_models() if issubclass(model, ClinicRow)]
    return {table: Policy() for table in clinical} | _SPECIAL
