"""Timings of what people wait for, each beside a view tuned by hand, in a database of its own."""

from screening.benchmark.bench import Bench, Measured
from screening.benchmark.sign_in import measure_sign_in
from screening.benchmark.trail import fill_trail, measure_trail

__all__ = ["Bench", "Measured", "fill_trail", "measure_sign_in", "measure_trail"]
