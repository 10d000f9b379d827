"""The connection between your modules and the commands that make and compare versions."""

import json
import tempfile
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import polars as pl

from .base import paths, tables
from .base.dialect import Dialect
from .base.errors import ProjectError
from .base.history import History
from .models import bundle, environment
from .models.bundle import Bundle
from .models.database import BUNDLE_SHA256
from .models.lineage import Lineage
from .models.promotion import HeldOut
from .models.run import Run
from .pipeline import split_of
from .steps import own_rules, split
from .steps.rules import ROW
from .steps.validate import NUMBER, check
from .yours import FIRST, Yours


def write_bundle(
    folder: Path, model: Path, lineage: Lineage, yours: Yours = FIRST
) -> dict[str, str]:
    """Write the bundle of the last run: see `write` of `models/bundle.py`.

    Returns:
        Tags of the version.
    """
    settings = yours.features.FeatureSettings.load(yours.section("features"))
    looks_back = History.of(settings) is not None
    sha256 = bundle.write(
        folder,
        model,
        lineage,
        json.loads(yours.files.predictions.read_text(encoding="utf-8")),
        yours.schema.Row.to_schema(),
        split_key(yours),
        example(yours),
        partial(write_more, yours=yours),
        looks_back=looks_back,
        of=yours.name,
    )
    return {BUNDLE_SHA256: sha256, "target": yours.schema.TARGET}


def write_more(folder: Path, yours: Yours) -> None:
    """Let the pieces of the template that are here add to a bundle."""
    for file in sorted(Path(__file__).parent.glob("*/bundled.py")):
        import_module(f"{__package__}.{file.parent.name}.bundled").write(folder, yours)


def example(yours: Yours = FIRST) -> pl.DataFrame | None:
    """Return a valid row of the sample to try a version with, if there is one."""
    sample = paths.sample_of(yours.name)
    if not sample.is_file():
        return None
    from .prediction import read  # only now, since it imports what predicts

    schema = own_rules.without(yours.schema.Row.to_schema(), yours.schema.TARGET)
    dialect = Dialect.of(yours.source.SourceSettings.load(yours.section("source")))
    try:
        valid = check(read(sample, of=yours.name), schema, dialect).valid
        return valid.head(1).collect(engine="streaming")
    except ProjectError:  # the tests say what is wrong with the sample
        return None


def split_key(yours: Yours = FIRST) -> dict[str, object]:
    """Return what decides which rows are held out, and what is predicted for them."""
    settings, seed = split_of(yours)
    target, valid = yours.schema.TARGET, yours.files.valid
    columns = {}
    if valid.exists():  # a clone need not have the rows
        inputs = tables.lazy(valid).drop(target).collect_schema()
        columns = {name: str(dtype) for name, dtype in inputs.items()}
    looked_at = [*settings.together_by, *filter(None, [settings.column])] or columns
    chosen = {name: columns[name] for name in looked_at if name in columns}
    decisive = settings.model_dump(exclude={"folds"})
    return {"target": target, "seed": seed, **decisive, "columns": chosen}


def held_out(slices: Sequence[str], yours: Yours = FIRST) -> HeldOut:
    """Read the held-out rows of the last run.

    Args:
        slices: Columns of the schema that divide the rows into slices.
        yours: The model.

    Raises:
        ProjectError: If there is no such column, or if the pipeline has not run.
    """
    files, target = yours.files, yours.schema.TARGET
    Run(yours.name)  # refuses results of other code
    settings, seed = split_of(yours)
    valid = tables.lazy(files.valid)
    inputs = valid.drop(target)
    for name in slices:
        if name not in valid.collect_schema():
            raise ProjectError(f"params.yaml: promotion.slices: schema.py has no column {name}")
    bad = tables.lazy(files.quarantine).select(pl.col(NUMBER).alias(ROW))
    raw = tables.lazy(files.raw).with_row_index(ROW)
    good = raw.join(bad, on=ROW, how="anti", maintain_order="left").drop(ROW)
    named = valid.select([*dict.fromkeys([target, *slices])])
    known = split.held_out(named, inputs, settings, seed).collect()
    return HeldOut(
        raw=split.held_out(good, inputs, settings, seed).collect(engine="streaming"),
        earlier=tables.lazy(files.raw),
        truth=known[target],
        slices=known.select([*dict.fromkeys(slices)]),
        groups=split.groups(inputs, settings, seed),
        seed=seed,
        key=split_key(yours),
    )


def predictions(version: Bundle, rows: HeldOut) -> pl.DataFrame:
    """Predict for held-out rows with the code of a version.

    Returns:
        What `Predictor.predict` returns.

    Raises:
        ProjectError: If the version cannot predict for these rows.
    """
    raw = rows.raw if version.looks_back else rows.raw.drop(rows.truth.name)
    if not any(version.other_code()):
        from .prediction import Predictor  # only now, since it imports your model

        earlier = rows.earlier if version.looks_back else None
        return Predictor.of(version).rows(raw.lazy(), earlier).collect(engine="streaming")
    with tempfile.TemporaryDirectory() as folder:
        place, output = Path(folder, "raw.parquet"), Path(folder, "predictions.parquet")
        raw.write_parquet(place)
        past = str(paths.Files.of(version.of).raw)
        history = ["--history", past] if version.looks_back else []
        options = ["--ingested", "--model", str(version.folder), "--output", str(output), *history]
        done = environment.run(version, ["predict", str(place), *options], is_quiet=True)
        if not output.is_file():
            reason = done.stderr.strip().splitlines()[-1:]
            raise ProjectError(f"its own code: {''.join(reason)}")
        return pl.read_parquet(output)
