"""Proposing."""
