"""Faults that the tests of a generated repository must notice."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutation:
    """One fault.

    Attributes:
        name: What is wrong.
        file: In the package, or from the root where it begins with `/`.
        good: Code that stands there once.
        bad: What replaces it.
        tests: The test file that turns red.
    """

    name: str
    file: str
    good: str
    bad: str
    tests: str


MUTATIONS = [
    Mutation(
        "rules of the schema not applied",
        "pipeline/validate.py",
        "        schema.validate(typed, lazy=True)\n",
        "        pass\n",
        "test_validate.py",
    ),
    Mutation(
        "a column without a rule",
        "schema.py",
        'pa.Field(ge=0, le=50, description="Malic acid, g/l")',
        'pa.Field(description="Malic acid, g/l")',
        "test_validate.py",
    ),
    Mutation(
        "unreadable cells taken for gaps",
        "pipeline/validate.py",
        ".filter(typed[name].is_null() & ~empty(raw[name]))",
        ".filter(typed[name].is_null() & empty(raw[name]))",
        "test_validate.py",
    ),
    Mutation(
        "3.7 taken for the whole number 3",
        "pipeline/validate.py",
        "numbers.set(numbers != numbers.round(), None)",
        "numbers.floor()",
        "test_validate.py",
    ),
    Mutation(
        "quarantine forgotten",
        "pipeline/validate.py",
        "    files.write(quarantine, files.QUARANTINE)\n",
        "    files.write(quarantine.head(0), files.QUARANTINE)\n",
        "test_validate.py",
    ),
    Mutation(
        "rows lost without a word",
        "pipeline/validate.py",
        "    if raw.height != checked.valid.height + quarantine.height:\n",
        "    if raw.height < checked.valid.height + quarantine.height:\n",
        "test_validate.py",
    ),
    Mutation(
        "any number of bad rows accepted",
        "pipeline/validate.py",
        "    if bad > share * read:\n",
        "    if bad > read:\n",
        "test_validate.py",
    ),
    Mutation(
        "target leaked into the features",
        "pipeline/featurize.py",
        "    inputs = valid.drop(TARGET)  # the features are made without a look at the target\n",
        "    inputs = valid.with_columns(leak=pl.col(TARGET).hash(0).cast(pl.Float64)).drop(TARGET)\n",
        "test_featurize.py",
    ),
    Mutation(
        "train and test swapped",
        "pipeline/featurize.py",
        "train_rows, test_rows = table.filter(~test), table.filter(test)",
        "train_rows, test_rows = table.filter(test), table.filter(~test)",
        "test_featurize.py",
    ),
    Mutation(
        "seed ignored by the split",
        "pipeline/featurize.py",
        'key = seed.to_bytes(8, "big")',
        'key = (seed - seed).to_bytes(8, "big")',
        "test_featurize.py",
    ),
    Mutation(
        "rows split by their place",
        "pipeline/featurize.py",
        "            for text in texts\n",
        "            for text in map(str, range(len(texts)))\n",
        "test_featurize.py",
    ),
    Mutation(
        "features that depend on other rows",
        "features.py",
        "pl.col(str(Row.flavanoids)) / pl.col(str(Row.total_phenols))",
        "pl.col(str(Row.flavanoids)) / pl.col(str(Row.total_phenols)).mean()",
        "test_featurize.py",
    ),
    Mutation(
        "seed ignored by the model",
        "model.py",
        "            random_state=seed,\n",
        "            random_state=0,\n",
        "test_model.py",
    ),
    Mutation(
        "SHA-256 not checked",
        "pipeline/model_file.py",
        "    if sha256(content).hexdigest() != expected_sha256:\n",
        "    if not expected_sha256:\n",
        "test_model.py",
    ),
    Mutation(
        "every type trusted",
        "pipeline/model_file.py",
        "    if unknown:\n",
        "    if not content:\n",
        "test_model.py",
    ),
    Mutation(
        "model files with memory addresses and times",
        "pipeline/model_file.py",
        "content = canonical(skops.io.dumps(model))",
        "content = skops.io.dumps(model)",
        "test_model.py",
    ),
    Mutation(
        "judged on the training rows",
        "pipeline/evaluate.py",
        "table = files.read(files.TEST)",
        "table = files.read(files.TRAIN)",
        "test_model.py",
    ),
    Mutation(
        "baseline that is the model",
        "pipeline/evaluate.py",
        "model.predict(model_file.load(path, model_file.recorded_sha256(path)), inputs)",
        "model.predict(model_file.load(files.MODEL, model_file.recorded_sha256(files.MODEL)), inputs)",
        "test_model.py",
    ),
    Mutation(
        "every version the champion",
        "pipeline/registry.py",
        '        if str(version.version) == "1":\n',
        "        if version.version:\n",
        "test_registry.py",
    ),
    Mutation(
        "a run registered again and again",
        "pipeline/registry.py",
        "        return found[0] if found else None\n",
        "        return None if found else None\n",
        "test_registry.py",
    ),
    Mutation(
        "an unclean working tree taken for its commit",
        "pipeline/lineage.py",
        'git_clean=str(not _git("status", "--porcelain", "--", ".")).lower(),',
        'git_clean="true",',
        "test_registry.py",
    ),
    Mutation(
        "results registered that the lock does not know",
        "pipeline/lineage.py",
        "        for path in (files.MODEL, files.METRICS):\n",
        "        for path in ():\n",
        "test_registry.py",
    ),
    Mutation(
        "rows without an answer",
        "pipeline/predict.py",
        '    return rows.join(predicted, on=ROW, how="left", maintain_order="left").join(',
        '    return rows.join(predicted, on=ROW, how="inner", maintain_order="left").join(',
        "test_registry.py",
    ),
    Mutation(
        "unknown parameters accepted",
        "pipeline/types.py",
        'extra="forbid"',
        'extra="ignore"',
        "test_cli.py",
    ),
    Mutation(
        "a traceback instead of a line",
        "cli.py",
        "    except ProjectError as error:\n",
        "    except ZeroDivisionError as error:\n",
        "test_cli.py",
    ),
    Mutation(
        "a stage that does not depend on its code",
        "/dvc.yaml",
        "      - src/my_project/pipeline/train.py\n",
        "",
        "test_pipeline.py",
    ),
    Mutation(
        "a stage without its parameters",
        "/dvc.yaml",
        "      - split\n",
        "",
        "test_pipeline.py",
    ),
]
