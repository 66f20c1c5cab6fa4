"""What the benchmark says of two samples. Its timings themselves are never asserted."""

from screening.benchmark.sign_in import mann_whitney


def test_two_samples_from_one_place_are_told_apart_from_two_of_two_places():
    assert mann_whitney(range(0, 200, 2), range(1, 201, 2)) > 0.5
    assert mann_whitney(range(100), range(100, 200)) < 0.0001
