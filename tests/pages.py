"""The commands on a page of the documentation."""

import re
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
    text = page.read_text("utf-8")
    if section:
        level = section.partition(" ")[0]
        _, found, text = text.partition(f"\n{section}\n")
        assert found, f"{page} has no section {section}"
        text = re.split(rf"^#{{1,{len(level)}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]
    return [[line.strip() for line in block["content"].splitlines() if line.strip()] for block in BLOCK.finditer(text)]
