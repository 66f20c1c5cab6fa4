from clinic_site.messaging.management.commands.worker import Command as Worker


class Command(Worker):
    """The earlier name of `worker`, which units and scripts may still call."""
