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
        "core/steps/validate.py",
        "        schema.validate(typed, lazy=True)\n",
        "        pass\n",
        "test_validate.py",
    ),
    Mutation(
        "unreadable cells taken for gaps",
        "core/steps/validate.py",
        ".filter(typed[name].is_null() & ~_empty(raw[name]))",
        ".filter(typed[name].is_null() & _empty(raw[name]))",
        "test_validate.py",
    ),
    Mutation(
        "3.7 taken for the whole number 3",
        "core/steps/validate.py",
        "numbers.set(numbers != numbers.round(), None)",
        "numbers.floor()",
        "test_validate.py",
    ),
    Mutation(
        "quarantine forgotten",
        "core/steps/validate.py",
        "    tables.write(quarantine, paths.QUARANTINE)\n",
        "    tables.write(quarantine.head(0), paths.QUARANTINE)\n",
        "test_validate.py",
    ),
    Mutation(
        "rows lost without a word",
        "core/steps/validate.py",
        "    if raw.height != checked.valid.height + quarantine.height:\n",
        "    if raw.height < checked.valid.height + quarantine.height:\n",
        "test_validate.py",
    ),
    Mutation(
        "any number of bad rows accepted",
        "core/steps/validate.py",
        "    if bad > share * read:\n",
        "    if bad > read:\n",
        "test_validate.py",
    ),
    Mutation(
        "target leaked into the features",
        "core/steps/featurize.py",
        "    inputs = valid.drop(target)  # the features are made without a look at the target\n",
        "    inputs = valid.with_columns(leak=pl.col(target).hash(0).cast(pl.Float64)).drop(target)\n",
        "test_featurize.py",
    ),
    Mutation(
        "train and test swapped",
        "core/steps/featurize.py",
        "{paths.TRAIN: table.filter(~held_out), paths.TEST: table.filter(held_out)}",
        "{paths.TRAIN: table.filter(held_out), paths.TEST: table.filter(~held_out)}",
        "test_featurize.py",
    ),
    Mutation(
        "seed ignored by the split",
        "core/steps/featurize.py",
        'key = seed.to_bytes(8, "big")',
        'key = (seed - seed).to_bytes(8, "big")',
        "test_featurize.py",
    ),
    Mutation(
        "rows split by their place",
        "core/steps/featurize.py",
        "for text in texts])",
        "for text in (b'%d' % place for place in range(len(texts)))])",
        "test_featurize.py",
    ),
    Mutation(
        "another split than in earlier releases",
        "core/steps/featurize.py",
        'separator="\\x1f"',
        'separator=" "',
        "test_featurize.py",
    ),
    Mutation(
        "rows in the gap before the test rows trained on",
        "core/steps/featurize.py",
        '(time < first.dt.offset_by(f"-{split.gap}"))',
        "(time < first)",
        "test_featurize.py",
    ),
    Mutation(
        "a time in the column's zone taken for UTC",
        "core/steps/featurize.py",
        "ZoneInfo(zone) if zone else None",
        'ZoneInfo("UTC") if zone else None',
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
        "core/base/estimators.py",
        "    if sha256(content).hexdigest() != expected_sha256:\n",
        "    if not expected_sha256:\n",
        "test_model.py",
    ),
    Mutation(
        "every type trusted",
        "core/base/estimators.py",
        "    if unknown:\n",
        "    if not content:\n",
        "test_model.py",
    ),
    Mutation(
        "model files with memory addresses and times",
        "core/base/estimators.py",
        "content = _canonical(skops.io.dumps(model))",
        "content = skops.io.dumps(model)",
        "test_model.py",
    ),
    Mutation(
        "judged on the training rows",
        "core/steps/evaluate.py",
        "table = tables.stream(paths.TEST)",
        "table = tables.stream(paths.TRAIN)",
        "test_model.py",
    ),
    Mutation(
        "baseline that is the model",
        "core/steps/evaluate.py",
        "path.stem: load_recorded(path, trusted)",
        "path.stem: load_recorded(paths.MODEL, trusted)",
        "test_model.py",
    ),
    Mutation(
        "a loss that is better when higher",
        "core/steps/evaluate.py",
        'metric.endswith(("_loss", "_error"))',
        'metric.endswith("_error")',
        "test_scores.py",
    ),
    Mutation(
        "a metric that no JSON can hold",
        "core/steps/evaluate.py",
        "        if not isfinite(value)\n",
        '        if value == float("inf")\n',
        "test_scores.py",
    ),
    Mutation(
        "probabilities compared with the wrong classes",
        "core/base/scores.py",
        "labels = sorted({*stated, *actual})",
        "labels = [*dict.fromkeys([*stated, *actual])]",
        "test_scores.py",
    ),
    Mutation(
        "an empty target that is a traceback",
        "core/steps/train.py",
        "    refuse_empty(values, paths.TRAIN)\n",
        "",
        "test_scores.py",
    ),
    Mutation(
        "every version the champion",
        "core/models/registry.py",
        '        if str(version.version) == "1":\n',
        "        if version.version:\n",
        "test_registry.py",
    ),
    Mutation(
        "a run registered again and again",
        "core/models/registry.py",
        "        return sorted(found, key=lambda version: int(version.version), reverse=True)\n",
        "        return sorted(found[:0], key=lambda version: int(version.version), reverse=True)\n",
        "test_registry.py",
    ),
    Mutation(
        "an unclean working tree taken for its commit",
        "core/models/lineage.py",
        "    is_clean = not status and not hidden and here is not None and here == there\n",
        "    is_clean = not hidden and here is not None and bool(there)\n",
        "test_registry.py",
    ),
    Mutation(
        "an edit that git does not show taken for committed",
        "core/models/lineage.py",
        "    is_clean = not status and not hidden and here is not None and here == there\n",
        "    is_clean = not status and here is not None and here == there\n",
        "test_registry.py",
    ),
    Mutation(
        "code that git ignores taken for committed",
        "core/models/lineage.py",
        "    is_clean = not status and not hidden and here is not None and here == there\n",
        "    is_clean = not status and not hidden\n",
        "test_registry.py",
    ),
    Mutation(
        "stages that are gone taken for the model's",
        "core/models/lineage.py",
        "            name: entry for name, entry in locked.items() if name in changes\n",
        "            name: entry for name, entry in locked.items() if changes.setdefault(name, []) is not None\n",
        "test_registry.py",
    ),
    Mutation(
        "the lock of today taken for that of the training",
        "core/models/lineage.py",
        '            uv_lock_sha256=recorded_sha256().get(UV_LOCK, ""),\n',
        '            uv_lock_sha256=_sha256(paths.UV_LOCK) if paths.UV_LOCK.is_file() else "",\n',
        "test_registry.py",
    ),
    Mutation(
        "a git that fails taken for a clean tree",
        "core/models/lineage.py",
        "    if commit is None or status is None or listed is None:\n        return UNKNOWN, UNKNOWN\n",
        '    if commit is None or status is None or listed is None:\n        return "", CLEAN\n',
        "test_registry.py",
    ),
    Mutation(
        "an unclean version made clean afterwards",
        "core/models/register.py",
        'if lineage.git_state != CLEAN or it.tags["git_state"] == CLEAN',
        'if it.tags["git_state"]',
        "test_registry.py",
    ),
    Mutation(
        "a champion that was not committed left in its place",
        "core/models/register.py",
        "        champion = champion or any(map(registry.is_champion, same))\n",
        "",
        "test_registry.py",
    ),
    Mutation(
        "the whole lock as the key of a version",
        "core/models/lineage.py",
        "        entries = {name: self._stages[name] for name in self._ancestry}\n",
        "        entries = dict(self._stages)\n",
        "test_registry.py",
    ),
    Mutation(
        "a key that overlooks what came before training",
        "core/models/lineage.py",
        '                    wanted += _files(entry, "deps")\n',
        "",
        "test_registry.py",
    ),
    Mutation(
        "results of other code registered",
        "core/models/lineage.py",
        "            for change in changes[stage]:\n",
        "            for change in changes[stage][:0]:\n",
        "test_registry.py",
    ),
    Mutation(
        "results registered that the lock does not have",
        "core/models/lineage.py",
        "        for path in (paths.MODEL, paths.METRICS):\n",
        "        for path in ():\n",
        "test_registry.py",
    ),
    Mutation(
        "a version that predicts with whatever code is there",
        "core/models/predict.py",
        "    if other := recipe.other_code():\n",
        "    if other := recipe.other_code()[:0]:\n",
        "test_registry.py",
    ),
    Mutation(
        "a version that forgets which code it needs",
        "core/models/lineage.py",
        "            if not file.startswith(CORE)\n",
        "            if file.startswith(CORE)\n",
        "test_registry.py",
    ),
    Mutation(
        "changed code not seen",
        "core/models/freshness.py",
        "        elif dep.exists and dep.status():\n",
        "        elif not dep.exists and dep.status():\n",
        "test_stages.py",
    ),
    Mutation(
        "changed parameters not seen",
        "core/models/freshness.py",
        '        if hasattr(dep, "params"):\n',
        '        if hasattr(dep, "params") and not dep.hash_info:\n',
        "test_stages.py",
    ),
    Mutation(
        "another command of a stage not seen",
        "core/models/freshness.py",
        "    if stage.cmd_changed:\n",
        "    if not stage:\n",
        "test_stages.py",
    ),
    Mutation(
        "reports of another run not seen",
        "core/models/freshness.py",
        "        elif not out.use_cache and out.status():\n",
        "        elif out.use_cache and out.status():\n",
        "test_stages.py",
    ),
    Mutation(
        "a stage run without those behind it not seen",
        "core/models/freshness.py",
        "            if dep.hash_info != written[dep.fs_path].hash_info:\n",
        "            if not dep.hash_info:\n",
        "test_stages.py",
    ),
    Mutation(
        "a step that reaches up to the command line",
        "core/base/tables.py",
        "from .errors import ProjectError\n",
        "from .. import pipeline as pipeline\nfrom .errors import ProjectError\n",
        "test_stages.py",
    ),
    Mutation(
        "a validation that imports scikit-learn",
        "core/steps/validate.py",
        "import polars as pl\n",
        "import polars as pl\nimport sklearn as sklearn\n",
        "test_stages.py",
    ),
    Mutation(
        "rows without an answer",
        "core/models/predict.py",
        '    return rows.join(predicted, on=ROW, how="left", maintain_order="left").join(',
        '    return rows.join(predicted, on=ROW, how="inner", maintain_order="left").join(',
        "test_registry.py",
    ),
    Mutation(
        "unknown parameters accepted",
        "core/base/settings.py",
        'extra="forbid"',
        'extra="ignore"',
        "test_cli.py",
    ),
    Mutation(
        "a traceback instead of a line",
        "core/cli.py",
        "    except ProjectError as error:\n",
        "    except ZeroDivisionError as error:\n",
        "test_cli.py",
    ),
    Mutation(
        "a stage that does not depend on its own code",
        "/dvc.yaml",
        "      - src/my_project/core/steps/train.py\n",
        "",
        "test_stages.py",
    ),
    Mutation(
        "a stage that does not depend on a helper of what it imports",
        "/dvc.yaml",
        "      - src/my_project/core/base/settings.py\n      - src/my_project/core/base/tables.py\n"
        "      - src/my_project/core/pipeline.py\n      - src/my_project/core/steps/featurize.py\n",
        "      - src/my_project/core/base/tables.py\n"
        "      - src/my_project/core/pipeline.py\n      - src/my_project/core/steps/featurize.py\n",
        "test_stages.py",
    ),
    Mutation(
        "a stage without its parameters",
        "/dvc.yaml",
        "      - split\n",
        "",
        "test_stages.py",
    ),
    Mutation(
        "a parameter of no stage",
        "/params.yaml",
        "seed: 20\n",
        "seed: 20\nsed: 21\n",
        "test_stages.py",
    ),
]
