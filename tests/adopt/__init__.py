"""Adopting."""
