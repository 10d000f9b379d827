"""Releasing."""
