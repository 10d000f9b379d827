"""What only the maintainers of the template use; it is not shipped."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
