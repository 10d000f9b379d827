"""Tests of both ways to a repository."""
