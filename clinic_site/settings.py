"""All settings, read from the environment. What is missing is named at start-up by the checks in
`clinic_site/checks.py`.

| variable | meaning |
| --- | --- |
| DATABASE_URL | PostgreSQL, e.g. postgres://user:password@host/name or postgres://user@/name?host=/socket/folder |
| OWNER_DATABASE_URL | the same database as the role that owns the tables, for `migrate`; the program never needs it |
| DATABASE_TIME_LIMITS | 0 takes the time limits of pages away |
| SECRET_KEY | signs cookies and page tickets |
| SECRET_KEY_FALLBACKS | earlier ones, comma-separated: what they signed stays valid while it is changed |
| MASTER_KEY_FILE | file with the keys that wrap every record's data key (`manage.py keys create`) |
| MASTER_KEY | the same keys in a variable, where there is no file |
| AUDIT_HEADS_FILE | where the worker appends the heads of the audit chains; ship it to another machine |
| SECURITY_EMAIL | who hears of break-glass, looks to check, floods, an altered trail; OPERATOR_EMAIL when not set |
| ALLOWED_HOSTS | comma-separated host names |
| TRUSTED_PROXIES | addresses or networks of our own proxies, whose X-Forwarded-For counts; `unix`: over a socket file |
| DRAFTS_PER_HOUR | how many intakes one network may start in an hour; 20 |
| DRAFTS_PER_HOUR_IN_ALL | how many all networks together may start in an hour; 2000 |
| LINKS_PER_HOUR_IN_ALL | how often all together may ask for a mailed link in an hour; 1000 |
| STATIC_ROOT, MAIL_DIRECTORY or EMAIL_URL, DEFAULT_FROM_EMAIL | where static files and mail go |
| SITE_URL | where the site is served, e.g. https://intake.example: for links in mails, which no request may choose |
| PLAIN_HTTP | 1 only on loopback: cookies without Secure, no redirect to https |
| DEMO | 1 shows the notice that this is a demonstration |
| PASSKEY_REQUIRED | 0 lets administrators, medical directors and auditors sign in without a passkey; 0 in a demo |

Commands that need no database (`screen`, `check_content`, `content_book`) need none of these.
"""

from pathlib import Path

import environ
from csp.constants import NONCE

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

PLAIN_HTTP = env.bool("PLAIN_HTTP", default=False)
DEMO = env.bool("DEMO", default=False)
DEBUG = False
SECRET_KEY = env("SECRET_KEY", default="")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
MASTER_KEY = env("MASTER_KEY", default="")
MASTER_KEY_FILE = env("MASTER_KEY_FILE", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
TRUSTED_PROXIES = env.list("TRUSTED_PROXIES", default=[])

INSTALLED_APPS = [
    "clinic_site.apps.ClinicSiteConfig",
    "clinic_site.clinics",
    # Before our accounts, which take its pages out of admin.
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "clinic_site.accounts",
    "clinic_site.audit",
    "clinic_site.encryption",
    "clinic_site.limits",
    "clinic_site.messaging",
    "intake",
    "screening",
    "clinic_site.apps.ClinicAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "crispy_forms",
    "crispy_bootstrap5",
    "pgtrigger",
]

MIDDLEWARE = [
    # Whatever can answer or refuse stands below the headers, so that files and refusals carry them too.
    "clinic_site.middleware.ProtectingHeaders",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "clinic_site.middleware.NoncePerAnswer",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "clinic_site.middleware.PrivateResponses",
    "clinic_site.middleware.RefuseOddRequests",
    "clinic_site.audit.middleware.RequestTrail",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    # Tells allauth's passkeys which request they serve; its own pages are not mounted.
    "allauth.account.middleware.AccountMiddleware",
    "clinic_site.accounts.middleware.DeclaredAccess",
    "clinic_site.accounts.row_scope.OwnClinics",
    "django.contrib.messages.middleware.MessageMiddleware",
    "clinic_site.unreadable.UnreadableRecords",
]

ROOT_URLCONF = "clinic_site.urls"
WSGI_APPLICATION = "clinic_site.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "clinic_site.context.site",
            ],
        },
    },
    {
        "BACKEND": "django.template.backends.jinja2.Jinja2",
        "DIRS": [BASE_DIR / "templates" / "jinja2"],
        "OPTIONS": {"environment": "clinic_site.jinja.environment"},
    },
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = ["bootstrap5"]
CRISPY_TEMPLATE_PACK = "bootstrap5"

# The program signs in as DATABASE_URL says. The owner of the tables migrates them, and manage.py says when.
_application = env.db("DATABASE_URL", default="postgres:///")
_owner = env.db("OWNER_DATABASE_URL") if env("OWNER_DATABASE_URL", default="") else _application
APPLICATION_ROLE = _application["USER"]
AS_OWNER = env("DATABASE_ROLE", default="") == "owner"
DATABASES = {"default": _owner if AS_OWNER else _application}
# Tells every transaction whose rows it may see.
DATABASES["default"]["ENGINE"] = "clinic_site.database"
# Persistent connections and prepared statements: a new connection for each request costs ten times the request.
DATABASES["default"]["CONN_MAX_AGE"] = None
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DATABASES["default"].setdefault("OPTIONS", {})
for option, value in {"server_side_binding": True, "prepare_threshold": 3, "connect_timeout": 5}.items():
    DATABASES["default"]["OPTIONS"].setdefault(option, value)
# A page that waits this long has gone wrong, and holds others up. Commands, which manage.py starts, take their time.
TIME_LIMITS = {"statement_timeout": "5s", "lock_timeout": "3s", "idle_in_transaction_session_timeout": "10s"}
if env.bool("DATABASE_TIME_LIMITS", default=True):
    _limits = " ".join(f"-c {name}={limit}" for name, limit in TIME_LIMITS.items())
    DATABASES["default"]["OPTIONS"].setdefault("options", _limits)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["clinic_site.accounts.backends.StaffBackend"]
PASSWORD_HASHERS = [
    "clinic_site.accounts.passwords.PepperedArgon2",
    # Only to read what earlier versions wrote; signing in replaces it.
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 15},
    },
    {"NAME": "clinic_site.accounts.passwords.NotKnownElsewhere"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "clinic_site.accounts.passwords.MoreThanWordsOfThePlace"},
]
PASSWORD_RESET_TIMEOUT = 30 * 60
PASSKEY_REQUIRED = env.bool("PASSKEY_REQUIRED", default=not DEMO)
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
MFA_ADAPTER = "clinic_site.accounts.adapters.FactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_WEBAUTHN_USER_VERIFICATION = "required"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "sign-in"

SESSION_ENGINE = "clinic_site.accounts.sessions"
SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not PLAIN_HTTP
SESSION_COOKIE_NAME = "staff" if PLAIN_HTTP else "__Host-staff"
CSRF_COOKIE_NAME = "csrf" if PLAIN_HTTP else "__Host-csrf"
CSRF_COOKIE_HTTPONLY = True
CSRF_FAILURE_VIEW = "clinic_site.errors.csrf_failure"
SECURE_SSL_REDIRECT = not PLAIN_HTTP
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = 0 if PLAIN_HTTP else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not PLAIN_HTTP
# Those who watch the program ask from inside, without TLS.
SECURE_REDIRECT_EXEMPT = [r"^livez\Z", r"^readyz\Z"]
# Not no-referrer: a form of such a page is sent with `Origin: null`, which looks like a foreign one (docs/adr/0018).
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", NONCE],
        "style-src": ["'self'", NONCE],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
        "base-uri": ["'none'"],
        "object-src": ["'none'"],
        "require-trusted-types-for": ["'script'"],
        "trusted-types": ["'none'"],
        "report-uri": ["/browser-report/"],
        "report-to": ["browser"],
    }
}
# What no page of ours uses, nothing that gets into one may use. Set by clinic_site/middleware.py on every answer.
_UNUSED_FEATURES = (
    "accelerometer autoplay bluetooth camera display-capture "
    "encrypted-media fullscreen gamepad geolocation gyroscope hid identity-credentials-get idle-detection "
    "keyboard-map local-fonts magnetometer microphone midi otp-credentials "
    "payment picture-in-picture screen-wake-lock serial storage-access sync-xhr usb "
    "window-management xr-spatial-tracking"
)
PROTECTING_HEADERS = {
    # Passkeys of staff are the one thing that is asked of the device.
    "Permissions-Policy": ", ".join(
        [f"{feature}=()" for feature in _UNUSED_FEATURES.split()]
        + [f"publickey-credentials-{what}=(self)" for what in ("create", "get")]
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-DNS-Prefetch-Control": "off",
    "Reporting-Endpoints": 'browser="/browser-report/"',
}
# The outer limits, for a patient's page alone: a list of 600 medicines in four boxes each is refused with a sentence
# only above that, and a long text is kept. Every other page takes less (clinic_site/limits/bodies.py). A body that is
# larger answers 413 before any of it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 512 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 5000
# No page takes a file.
DATA_UPLOAD_MAX_NUMBER_FILES = 0
FILE_UPLOAD_HANDLERS: list[str] = []
# How many intakes one network may start within an hour. A clinic whose patients share one connection needs more.
DRAFTS_PER_HOUR = env.int("DRAFTS_PER_HOUR", default=20)
# What the whole installation takes within an hour, against a flood from many networks.
DRAFTS_PER_HOUR_IN_ALL = env.int("DRAFTS_PER_HOUR_IN_ALL", default=2000)
LINKS_PER_HOUR_IN_ALL = env.int("LINKS_PER_HOUR_IN_ALL", default=1000)

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English")]
LOCALE_PATHS = [BASE_DIR / "clinic_site" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = env("STATIC_ROOT", default=str(BASE_DIR / ".data" / "static"))
STATICFILES_DIRS = [BASE_DIR / "clinic_site" / "static"]
HASHED_STATIC = env.bool("HASHED_STATIC", default=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": (
            "whitenoise.storage.CompressedManifestStaticFilesStorage"
            if HASHED_STATIC
            else "django.contrib.staticfiles.storage.StaticFilesStorage"
        )
    },
}

MAIL_DIRECTORY = env("MAIL_DIRECTORY", default="")
if MAIL_DIRECTORY:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = MAIL_DIRECTORY
else:
    vars().update(env.email("EMAIL_URL", default="consolemail://"))
MAIL_IS_SENT = bool(MAIL_DIRECTORY or env("EMAIL_URL", default=""))
# A mail server that hangs must not hold the worker for ever.
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="office@localhost")
SITE_URL = env("SITE_URL", default=f"{'http' if PLAIN_HTTP else 'https'}://{(ALLOWED_HOSTS or ['localhost'])[0]}")
OPERATOR_EMAIL = env("OPERATOR_EMAIL", default="operator@localhost")
SECURITY_EMAIL = env("SECURITY_EMAIL", default=OPERATOR_EMAIL)

# Where the worker writes how long each audit chain is, out of the database's reach.
AUDIT_HEADS_FILE = env("AUDIT_HEADS_FILE", default="")

# What the worker does, by the seconds between two looks. Each is a function that returns how much it did: as long as
# that is more than nothing it is called again at once.
WORKER_JOBS = {
    "clinic_site.messaging.worker.deliver_waiting": 1,
    "clinic_site.accounts.password_requests.send_links": 1,
    "clinic_site.audit.worker.seal_waiting": 2,
    "clinic_site.accounts.sessions.clear_ended": 600,
    "clinic_site.limits.services.forget_ended": 600,
    "intake.return_mail.send_links": 1,
    "intake.return_mail.send_reminders": 60,
    "intake.return_mail.tell_old_addresses": 10,
    "intake.purging.purge_drafts": 3600,
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "clinic_site.log_lines.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
