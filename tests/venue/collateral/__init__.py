"""Tests of margin and futures on the embedded venue."""
