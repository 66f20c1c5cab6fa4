from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "clinic_site.messaging"
