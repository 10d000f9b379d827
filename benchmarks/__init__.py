"""Measuring the figures of the documentation."""
