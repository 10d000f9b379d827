"""Tests of the template, as users run it."""
