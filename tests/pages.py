"""The commands on a page of the documentation."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

BLOCK = re.compile(r"^ *```bash\n(?P<content>.*?)^ *```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path, section: str = "") -> list[list[str]]:
    """Read the blocks of commands on a page.

    Args:
        page: A Markdown file.
        section: Heading of the section to read, such as "## Releases"; by default the whole page.

    Returns:
        The commands of each block, in their order.
    """
    lines = page.read_text("utf-8").splitlines()
    if section:
        assert section in lines, f"{page} has no section {section}"
        lines = list(body(lines[lines.index(section) + 1 :], section.partition(" ")[0]))
    text = "\n".join(lines)
    return [[line.strip() for line in block["content"].splitlines() if line.strip()] for block in BLOCK.finditer(text)]


def body(lines: Iterable[str], level: str) -> Iterator[str]:
    """Give the lines before the next heading of a level, such as "##", or of one above it."""
    is_code = False
    for line in lines:
        is_code ^= line.lstrip().startswith("```")
        mark = line.partition(" ")[0]
        if not is_code and 0 < len(mark) <= len(level) and set(mark) == {"#"}:
            return
        yield line
