from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class ClinicSiteConfig(AppConfig):
    name = "clinic_site"

    def ready(self) -> None:
        from clinic_site import checks  # noqa: F401 - registers the start-up checks
        from clinic_site.database import checks as database_checks  # noqa: F401 - those of the database
        from clinic_site.database import privileges  # noqa: F401 - follows every migrate


class ClinicAdminConfig(AdminConfig):
    default_site = "clinic_site.admin_site.ClinicAdminSite"
