"""Benchmarks: run from the repository's root, never installed."""
