"""Measurements, run by hand: ``python -m integration.benchmarks.NAME``. No test asserts a time."""
