"""Tests that run the tools as users do."""
