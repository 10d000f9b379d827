"""Tests, run as users run things."""
