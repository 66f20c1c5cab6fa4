from django import template

from clinic_site.jinja import part

register = template.Library()


@register.simple_tag(takes_context=True)
def jinja(context: template.Context, name: str) -> str:
    """Includes a template of `templates/jinja2/`, which sees what this one sees."""
    return part(name, context.flatten())
