"""Measurements, run by hand: ``python -m integration.benchmarks``. No test asserts a time.

``python -m integration.benchmarks.overhead`` is about single hooks, without the interpreter.
"""
