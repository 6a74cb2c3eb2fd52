"""Tests of the embedded venue."""
