"""Whether the time that signing in takes tells which addresses have an account."""

import math
import statistics
import time
from collections.abc import Sequence

from django.test import Client
from django.urls import reverse

from clinic_site.accounts.models import User
from clinic_site.limits.models import Counter

_PASSWORD = "right-but-never-sent-here"  # noqa: S105 - of somebody made up, in a database that is dropped


def measure_sign_in(pairs: int) -> str:
    """Wrong passwords in turns, for an address with an account and for one without. One line with what differs."""
    user = User.objects.create_user("known@bench.example", _PASSWORD, name="Bench Known")
    address = reverse("sign-in")
    taken: dict[str, list[float]] = {user.email: [], "unknown@bench.example": []}
    for number in range(pairs + 1):
        # Whoever comes second in a pair finds the caches warm.
        for email in list(taken)[:: 1 if number % 2 else -1]:
            # Or the throttle would answer from the sixth try on.
            Counter.objects.all().delete()
            client = Client(HTTP_HOST="127.0.0.1")
            started = time.perf_counter()
            client.post(address, {"username": email, "password": f"wrong-{number}-{'x' * 20}"})
            if number:
                taken[email].append(1000 * (time.perf_counter() - started))
    known, unknown = taken.values()
    with_account, without = statistics.median(known), statistics.median(unknown)
    return (
        f"wrong passwords, {pairs} pairs: with an account {with_account:.1f} ms, without {without:.1f} ms, "
        f"gap {with_account - without:+.1f} ms (bar 5), p = {mann_whitney(known, unknown):.2f} (bar 0.01)"
    )


def mann_whitney(left: Sequence[float], right: Sequence[float]) -> float:
    """Two-sided p of the Mann-Whitney U test in its normal approximation, for samples of 20 or more without ties."""
    ranks = {value: rank for rank, value in enumerate(sorted([*left, *right]), start=1)}
    u = sum(ranks[value] for value in left) - len(left) * (len(left) + 1) / 2
    mean = len(left) * len(right) / 2
    spread = math.sqrt(mean * (len(left) + len(right) + 1) / 6)
    return math.erfc(abs(u - mean) / spread / math.sqrt(2))
