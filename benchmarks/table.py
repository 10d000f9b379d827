"""The tables of docs/figures.md."""

from tests.harness import ROOT

FIGURES = ROOT / "docs" / "figures.md"


def update_rows(name: str, header: list[str], rows: dict[str, str]) -> None:
    """Write a table between its marks, keep rows that are not given, and print the table."""
    text = FIGURES.read_text(encoding="utf-8")
    before, _, rest = text.partition(f"<!-- {name} -->\n")
    there, _, after = rest.partition(f"<!-- /{name} -->")
    known = {row.split("|")[1].strip(): row for row in there.strip().splitlines()[2:]}
    lines = [f"| {' | '.join(header)} |", f"|{' --- |' * len(header)}", *(known | rows).values()]
    table = "\n".join(lines)
    new = f"{before}<!-- {name} -->\n\n{table}\n\n<!-- /{name} -->{after}"
    FIGURES.write_text(new, encoding="utf-8", newline="\n")
    print(table)
