from django.db import models


class Counter(models.Model):
    """How often something was done in one window of time.

    Who did it (an address, an account) is kept as a keyed digest.
    """

    digest = models.BinaryField(primary_key=True, max_length=32)
    count = models.PositiveIntegerField()
    ends_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.count} until {self.ends_at:%H:%M}"
