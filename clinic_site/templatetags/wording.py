"""Filters for the texts of content documents and for times."""

import datetime
from collections.abc import Mapping
from typing import Any

from django import template
from django.utils import timezone

register = template.Library()


@register.filter
def in_language(text: Mapping[str, str] | None, language: str) -> str:
    """The text of a map by language, in English where it is missing."""
    return (text or {}).get(language) or (text or {}).get("en", "")


@register.filter
def paragraphs(text: str) -> list[dict[str, Any]]:
    """Blocks of a plain text: paragraphs apart by blank lines, and runs of lines that begin with "- " as bullets."""
    blocks: list[dict[str, Any]] = []
    for chunk in text.strip().split("\n\n"):
        for line in chunk.splitlines():
            bullet = line.startswith("- ")
            words = line[2:] if bullet else line
            if not blocks or blocks[-1]["bullets"] != bullet or blocks[-1]["ended"]:
                blocks.append({"bullets": bullet, "lines": [], "ended": False})
            if bullet or not blocks[-1]["lines"]:
                blocks[-1]["lines"].append(words.strip())
            else:
                blocks[-1]["lines"][-1] += " " + words.strip()
        if blocks:
            blocks[-1]["ended"] = True
    return blocks


@register.filter
def waiting(since: datetime.datetime | None) -> str:
    """How long ago, in the largest fitting unit: 40 min, 5 h, 3 days."""
    if since is None:
        return ""
    minutes = int((timezone.now() - since).total_seconds() // 60)
    if minutes < 60:
        return f"{max(minutes, 0)} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h"
    return f"{minutes // (24 * 60)} days"
