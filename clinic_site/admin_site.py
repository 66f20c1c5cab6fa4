from django.contrib.admin import AdminSite


class ClinicAdminSite(AdminSite):
    """Reference data, people and published content.

    Who may do what is decided by roles alone (`clinic_site/accounts/roles.yaml`).
    """

    site_header = "Clinic administration"
    site_title = "Clinic administration"
    index_title = "Clinics, people and published content"
    enable_nav_sidebar = True
