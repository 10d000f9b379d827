"""Tests of the questions and of what follows from them."""
