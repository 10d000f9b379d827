"""Tests of both commands that generate a repository."""
