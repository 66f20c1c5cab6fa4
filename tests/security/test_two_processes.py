"""What one process of the web server takes away is gone in the other at once: none remembers who may do what."""

import re
import time
from urllib.parse import urlencode

import pytest
from django.conf import settings

from tests.conftest import make_clinic, make_user, publish_shipped_content
from tests.security.test_web_server import answer, get, running_server, status

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def processes(django_db_setup, tmp_path_factory):
    """The ports of two servers with one process each, so that it is known which of them answers."""
    logs = tmp_path_factory.mktemp("servers")
    with (
        running_server(logs / "one", workers=1) as (_, one, _log),
        running_server(logs / "other", workers=1) as (_, other, _log),
    ):
        yield one, other


@pytest.fixture
def clinic(db):
    publish_shipped_content()
    return make_clinic("riverside")


def opened(port, path, session):
    return answer(port, get(path, f"Cookie: {settings.SESSION_COOKIE_NAME}={session}"))


def sent(port, path, session, **fields):
    """Fills in the form of that page and sends it."""
    shown = opened(port, path, session).decode()
    csrf = re.search(rf"{settings.CSRF_COOKIE_NAME}=(\w+);", shown)[1]
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', shown)[1]
    body = urlencode({"csrfmiddlewaretoken": token, **fields})
    head = get(
        path,
        f"Cookie: {settings.SESSION_COOKIE_NAME}={session}; {settings.CSRF_COOKIE_NAME}={csrf}",
        "Content-Type: application/x-www-form-urlencoded",
        f"Content-Length: {len(body)}",
        method="POST",
    )
    return answer(port, head + body.encode())


def session_of(client):
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def test_a_role_ended_in_one_process_opens_nothing_in_the_other(processes, clinic, signed_in):
    one, other = processes
    clinician, administrator = make_user("clinician", clinic), make_user("administrator", clinic)
    theirs, mine = session_of(signed_in(clinician)), session_of(signed_in(administrator))
    # Both have answered this person, so that there is something to remember wrongly.
    assert [status(opened(port, "/review/", theirs)) for port in (one, other)] == [200, 200]
    held = clinician.memberships.get()
    ended = sent(one, f"/admin/accounts/user/{clinician.pk}/role/{held.pk}/end/", mine, reason="conduct")
    at = time.monotonic()
    assert status(ended) == 302
    refused = opened(other, "/review/", theirs)
    assert time.monotonic() - at < 1
    assert (status(refused), b"Location: /sign-in/" in refused) == (302, True)


def test_a_role_that_is_gone_from_the_database_counts_in_no_process(processes, clinic, signed_in):
    clinician = make_user("clinician", clinic)
    session = session_of(signed_in(clinician))
    assert [status(opened(port, "/review/", session)) for port in processes] == [200, 200]
    clinician.memberships.all().delete()
    at = time.monotonic()
    assert [status(opened(port, "/review/", session)) for port in processes] == [403, 403]
    assert time.monotonic() - at < 1
