import os

from django.conf import settings
from django.core.checks import run_checks
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic_site.settings")
application = get_wsgi_application()

# A server does not run the checks by itself, and an unsafe start must not serve a single page.
messages = run_checks(include_deployment_checks=not settings.PLAIN_HTTP, databases=["default"])
errors = [message for message in messages if message.is_serious()]
if errors:
    raise SystemExit("\n".join(str(error.msg) for error in errors))
