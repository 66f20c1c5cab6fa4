"""A tag for the rows of long lists."""

from html import escape
from typing import Any

from django import template
from django.template.base import NodeList, Parser, TextNode, Token, VariableNode

register = template.Library()


@register.tag
def plainly(parser: Parser, token: Token) -> "PlainText":
    """What stands between `{% plainly %}` and `{% endplainly %}` is shown as without the tag, at a fifth of the cost.

    Only `{{ name }}` and `{{ name.key }}` may stand there, and only for texts, because nothing is asked about them: no
    filter, no customs of a country, no time zone. Each is escaped.
    """
    nodes = parser.parse(("endplainly",))
    parser.delete_first_token()
    return PlainText(nodes)


class PlainText(template.Node):
    def __init__(self, nodes: NodeList) -> None:
        self.lookups = [_lookup(node) for node in nodes if not isinstance(node, TextNode)]
        self.names = {name for name, _key in self.lookups}
        self.pattern = "".join(node.s.replace("%", "%%") if isinstance(node, TextNode) else "%s" for node in nodes)

    def render(self, context: template.Context) -> str:
        found = {name: context[name] for name in self.names}
        values = [escape(found[name] if key is None else found[name][key]) for name, key in self.lookups]
        return self.pattern % tuple(values)


def _lookup(node: Any) -> tuple[str, str | None]:
    expression = node.filter_expression if isinstance(node, VariableNode) else None
    lookups = expression and not expression.filters and getattr(expression.var, "lookups", None)
    if not lookups or len(lookups) > 2:
        raise template.TemplateSyntaxError("Between plainly and endplainly stand {{ name }} and {{ name.key }} alone.")
    return lookups[0], lookups[1] if len(lookups) == 2 else None
