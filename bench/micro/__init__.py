"""Micro-benchmarks: one order, one frame, rivals beside them."""
