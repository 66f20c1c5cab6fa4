"""What a written page holds."""

import re
from html.parser import HTMLParser


class Page(HTMLParser):
    """The ids, link targets, headings, tags and visible words of a page."""

    def __init__(self, html):
        super().__init__()
        self.ids, self.targets, self.levels, self.tags, self.words = [], [], [], [], []
        self.feed(html)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        attributes = dict(attrs)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if attributes.get("href", "").startswith("#"):
            self.targets.append(attributes["href"][1:])
        if re.fullmatch(r"h[1-6]", tag):
            self.levels.append(int(tag[1]))

    def handle_data(self, data):
        if self.tags[-1:] != ["style"]:
            self.words.append(data)
