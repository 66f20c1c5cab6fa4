"""The forms of a page as a browser would send them, so that each can be sent again with something in it exchanged."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any


@dataclass
class Form:
    method: str
    action: str
    fields: dict[str, str] = field(default_factory=dict)

    def exchanged(self, name: str, value: str) -> dict[str, str]:
        return {**self.fields, name: value}


class _Reader(HTMLParser):
    def __init__(self, here: str) -> None:
        super().__init__()
        self.here, self.forms, self.select = here, list[Form](), ""
        self.textarea = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attrs}
        name = values.get("name", "")
        if tag == "form":
            self.forms.append(Form(values.get("method", "get").lower(), values.get("action") or self.here))
        elif not self.forms:
            return
        elif tag == "select":
            self.select = name
        elif tag == "option" and self.select and values.get("value"):
            self._keep(self.select, values["value"])
        elif tag == "textarea":
            self._keep(name, "A sentence that says enough.")
        elif tag == "button" and name or tag == "input" and name and values.get("type") not in ("checkbox", "submit"):
            self._keep(name, values.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self.select = ""

    def _keep(self, name: str, value: str) -> None:
        if name != "csrfmiddlewaretoken":
            self.forms[-1].fields.setdefault(name, value)


def forms_of(page: Any) -> list[Form]:
    """The forms that post, of a response of the test client. Signing out is left aside: nothing comes after it."""
    reader = _Reader(page.request["PATH_INFO"])
    reader.feed(page.content.decode())
    ends = ("/sign-out/", "/admin/logout/")
    return [form for form in reader.forms if form.method == "post" and form.action not in ends]
