"""Intervals and tests, each once: plain arrays in, numbers out.

What is compared is decided by the callers (`evaluation/`, `experiments/`, `lifecycle/`).
"""
