"""The tables of docs/figures.md."""

from tests.harness import ROOT

FIGURES = ROOT / "docs" / "figures.md"


def write_table(name: str, rows: list[str]) -> None:
    """Write a table between its marks, and print it."""
    text = FIGURES.read_text(encoding="utf-8")
    table = "\n".join(rows)
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    _, _, after = rest.partition(f"<!-- /{name} -->")
    new = f"{before}<!-- {name} -->\n\n{table}\n\n<!-- /{name} -->{after}"
    FIGURES.write_text(new, encoding="utf-8", newline="\n")
    print(table)
