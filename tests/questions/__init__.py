"""Tests of the questions, and of the files that are derived from them."""
