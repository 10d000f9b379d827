"""Tests of `formwork add` and `formwork remove`."""
