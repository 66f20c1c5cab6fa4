from django.apps import AppConfig


class IntakeConfig(AppConfig):
    name = "intake"

    def ready(self) -> None:
        # Here, because models can not be imported before the apps are ready.
        from clinic_site.messaging.jobs import Job, jobs
        from intake.purging import purge_drafts
        from intake.return_mail import send_links, send_reminders

        jobs += [Job(send_links, seconds=1), Job(send_reminders, seconds=60), Job(purge_drafts, seconds=3600)]
