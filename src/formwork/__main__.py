"""Run the command as a module: `python -m formwork`."""

import sys

from formwork.cli import main

if __name__ == "__main__":
    sys.exit(main())
