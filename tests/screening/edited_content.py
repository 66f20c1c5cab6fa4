"""The shipped content with something changed, as a clinic might change it."""

import copy

from screening.content_book.content import Content


def edited(content):
    return Content(copy.deepcopy(dict(content.questionnaire_tree)), copy.deepcopy(dict(content.rules_tree)))


def header(content):
    return content.rules_tree["rule_set.yaml"]


def question(content, link_id):
    found = (i for f in content.questionnaire_tree.values() for i in f.get("items", []) if i["link_id"] == link_id)
    return next(found)


def rule(content, rule_id):
    return next(r for f in content.rules_tree.values() if isinstance(f, list) for r in f if r["id"] == rule_id)
