"""Tests of generated repositories."""
