"""How often something may be done: counted in the database, for all workers together."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from clinic_site.limits import services
from clinic_site.limits.models import Counter
from clinic_site.limits.services import count_use, forget, forget_ended, is_within, network_of

HOUR = datetime.timedelta(hours=1)
NOON = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


@pytest.fixture
def clock(monkeypatch):
    """`clock(minutes)` sets the time to so many minutes after noon."""

    def set_to(minutes):
        monkeypatch.setattr(services.timezone, "now", lambda: NOON + datetime.timedelta(minutes=minutes))

    set_to(0)
    return set_to


@pytest.mark.django_db
def test_the_first_uses_of_a_window_are_allowed_and_no_more(clock):
    assert [is_within("sign-in", "ada", limit=2, window=HOUR) for _ in range(3)] == [True, True, False]


@pytest.mark.django_db
def test_a_window_ends_and_the_next_counts_anew(clock):
    assert [count_use("sign-in", "ada", window=HOUR) for _ in range(3)] == [1, 2, 3]
    clock(59)
    assert count_use("sign-in", "ada", window=HOUR) == 4
    clock(60)
    assert count_use("sign-in", "ada", window=HOUR) == 1


@pytest.mark.django_db
def test_looking_counts_nothing(clock):
    count_use("sign-in", "ada", window=HOUR)
    assert [count_use("sign-in", "ada", window=HOUR, uses=0) for _ in range(2)] == [1, 1]


@pytest.mark.django_db
def test_each_subject_and_each_thing_has_a_count_of_its_own(clock):
    count_use("sign-in", "ada", window=HOUR)
    assert count_use("sign-in", "ben", window=HOUR) == 1
    assert count_use("search", "ada", window=HOUR) == 1


@pytest.mark.django_db
def test_a_success_starts_the_count_anew(clock):
    count_use("sign-in", "ada", window=HOUR)
    forget("sign-in", "ada")
    assert count_use("sign-in", "ada", window=HOUR) == 1


@pytest.mark.django_db
def test_the_table_does_not_say_who(clock):
    count_use("sign-in", "ada@clinic.example", window=HOUR)
    assert b"ada" not in bytes(Counter.objects.get().digest)


@pytest.mark.django_db
def test_ended_windows_are_removed(clock):
    count_use("sign-in", "ada", window=HOUR)
    clock(90)
    count_use("sign-in", "ben", window=HOUR)
    assert forget_ended() == 1
    assert Counter.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_many_at_once_are_all_counted():
    def use(_n):
        try:
            return count_use("sign-in", "ada", window=HOUR)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(use, range(40))) == list(range(1, 41))


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("nonsense", "unknown"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_one_place_is_an_address_or_a_customers_network(address, place):
    assert network_of(address) == place
