"""Tests of adopting."""
