"""Figures of docs/figures.md that a page of generated repositories states, too."""

import re

import jinja2

from tests.harness import ROOT


def numbers(name: str, column: int) -> list[int]:
    """Return the whole numbers of a row of docs/figures.md."""
    rows = (ROOT / "docs/figures.md").read_text("utf-8").splitlines()
    [row] = [row for row in rows if row.startswith(f"| 20 million rows, validate, featurize and predict: {name}")]
    return [int(number.replace(",", "")) for number in re.findall(r"[\d,]+", row.split(" | ")[column])]


def test_the_page_on_many_machines_states_what_was_measured() -> None:
    [file] = (ROOT / "template/docs").glob("*distributed.md*")
    page = jinja2.Template(file.read_text("utf-8")).render(pieces=["distributed"])
    loop, stream = numbers("CPU of a loop", column=3)
    dask, _ = numbers("CPU of two workers of Dask", column=3)
    [of_loop], [of_dask] = numbers("memory of the loop", column=2), numbers("memory of Dask", column=2)
    assert (
        f"took {stream} seconds of CPU time as one stream, {loop} part by part, and {dask} on two workers of Dask. "
        f"Part by part on two cores, memory was {of_loop / 1000:.1f} GB whether there were 5, 20 or 60 million rows; "
        f"with Dask it was {of_dask / 1000:.1f} GB in all."
    ) in " ".join(page.split())
