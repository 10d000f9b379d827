"""Tools for the maintainers of the template, which are not shipped."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
