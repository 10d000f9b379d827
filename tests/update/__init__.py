"""Updating."""
