"""Timings of what people wait for, each beside a view tuned by hand, in a database of its own."""

from screening.benchmark.bench import Bench, Measured

__all__ = ["Bench", "Measured"]
