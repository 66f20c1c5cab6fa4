"""What a browser keeps and asks for on the way through an intake names nothing that was typed."""

import json
import logging

from clinic_site.log_lines import JsonLines
from tests.journeys.conftest import go_on_as
from tests.patients import PatientBrowser
from tests.security.canary import traces
from tests.security.test_canary import new_marker

_STORAGE = """async () => JSON.stringify({
    local: {...localStorage}, session: {...sessionStorage}, state: history.state, name: window.name,
    databases: indexedDB.databases ? await indexedDB.databases() : [], caches: await caches.keys(),
    cookie: document.cookie, title: document.title, address: location.href,
})"""


def logged(request) -> str:
    """What an access log keeps of a request."""
    return f"{request.method} {request.url} {request.headers.get('referer', '')} {request.headers.get('user-agent')}"


def test_addresses_titles_cookies_and_storage_hold_no_word_that_was_typed(open_page, riverside):
    marker, asked = new_marker(), []
    phone = open_page(scripts=True)
    phone.on("request", lambda request: asked.append(logged(request)))
    patient = PatientBrowser(riverside)
    go_on_as(phone, patient)
    for name, link_id in (("legal_given_name", "legal_given_name"), ("goals", "goals")):
        phone.goto(patient.url(link_id))
        phone.locator(f"[name={name}]").fill(marker)
        kept = [phone.evaluate(_STORAGE)]
        phone.locator("main form button[type=submit], main form button:not([type])").first.click()
        phone.wait_for_load_state()
        kept.append(phone.evaluate(_STORAGE))
        assert [traces(text.encode(), marker) for text in kept] == [[], []]
        assert all(json.loads(text)["local"] == json.loads(text)["session"] == {} for text in kept)
    # The control: what was typed arrived, and is on the page that shows it.
    phone.goto(patient.url("goals"))
    assert phone.locator("[name=goals]").input_value() == marker
    assert traces(json.dumps([asked, phone.context.cookies()]).encode(), marker) == []
    assert len(asked) > 5


def test_the_lines_of_the_program_s_own_log_hold_no_path():
    """The path holds a draft's address: who reads the log could not open it, but need not know it either."""
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "Not Found: %s", ("/intake/abc/1/",), None)
    assert "abc" not in JsonLines().format(record)
