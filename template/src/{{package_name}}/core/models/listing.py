"""What the registry knows of its versions, for people and for other programs."""

import json
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from ..base import paths
from ..base.estimators import recorded_sha256
from ..base.settings import flat
from .bundle import SCHEMA, SUMS, Bundle
from .database import CHAMPION
from .promotion import PromotionSettings

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

    from .registry import Registry

Tree = dict[str, Any]
SHORT = 10  # characters of a hash that tell versions apart
TIME = "%Y-%m-%d %H:%M UTC"


def table(registry: "Registry", settings: PromotionSettings) -> list[Tree]:
    """List the versions, newest first, with the metric that decides about promotion."""
    aliases = registry.aliases()
    versions = registry.versions()
    metrics = {str(it.version): registry.metrics(it) for it in versions}
    metric = settings.metric or _first_metric(metrics.values(), paths.Files.of(registry.of).metrics)
    return [
        {
            "version": int(it.version),
            "aliases": _aliases(it, aliases),
            "date": _date(it),
            "commit": it.tags.get("git_commit"),
            "state": it.tags.get("git_state"),
            "metric": metric,
            "value": metrics[str(it.version)].get(f"model.{metric}"),
            "interval": _interval(metrics[str(it.version)], metric),
            "metrics": _of_model(metrics[str(it.version)]),
            "data": it.tags.get("data_hash"),
            "target": it.tags.get("target"),
            "champion_since": _since(registry, it, aliases),
        }
        for it in versions
    ]


def cells(rows: Sequence[Tree]) -> list[list[str]]:
    """Write the table as text, a header and a line for each version."""
    header = ["version", "alias", "registered", "commit", "state", rows[0]["metric"], "data"]
    return [header, *map(_line, rows)]


def _line(row: Tree) -> list[str]:
    since = f" since {row['champion_since'][:10]}" if row["champion_since"] else ""
    aliases = (f"{it}{since if it == CHAMPION else ''}" for it in row["aliases"])
    lower, upper = row["interval"] or (None, None)
    value = {"value": row["value"], "lower": lower, "upper": upper}
    hashes = [str(row[name] or "unknown")[:SHORT] for name in ("commit", "data")]
    return [
        str(row["version"]),
        ", ".join(aliases),
        row["date"],
        hashes[0],
        row["state"] or "unknown",
        "unknown" if row["value"] is None else _cell(value),
        hashes[1],
    ]


def table_as_text(rows: Sequence[Tree]) -> str:
    """Write the table for a terminal."""
    if not rows:
        return "no version is registered"
    lines = cells(rows)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def described(registry: "Registry", version: "ModelVersion") -> Tree:
    """Collect everything that is known of a version."""
    bundle = registry.bundle(version)
    champion = registry.champion()
    theirs = {}
    if champion and champion != str(version.version):
        other = registry.get(champion)
        if registry.is_whole(other) and _are_on_same_rows(bundle, registry.bundle(other)):
            theirs = _of_model(registry.metrics(other))
    scores = _read(bundle, paths.METRICS)
    return {
        "version": int(version.version),
        "aliases": _aliases(version, registry.aliases()),
        "registered": {
            "date": _date(version),
            "by": version.tags.get("registered_by", "unknown"),
            "commit": bundle.lineage.git_commit,
            "state": bundle.lineage.git_state,
            "python": bundle.python,
        },
        "data": _data(bundle),
        "parameters": _parameters(bundle),
        "metrics": {
            name: {
                "value": value,
                "lower": scores.get("lower", {}).get(name),
                "upper": scores.get("upper", {}).get(name),
                "baseline": scores["baseline"].get(name),
                "champion": theirs.get(name),
            }
            for name, value in scores["model"].items()
        },
        "decisions": registry.decisions(version),
        "files": _files(bundle),
    }


def differences(registry: "Registry", first: "ModelVersion", second: "ModelVersion") -> Tree:
    """Collect what differs between two versions: a pair of values, one of each version."""
    one, other = registry.bundle(first), registry.bundle(second)
    scores = [_read(it, paths.METRICS)["model"] for it in (one, other)]
    columns = [_columns(it) for it in (one, other)]
    commits = {"commit": one.lineage.git_commit}, {"commit": other.lineage.git_commit}
    return {
        "versions": [int(first.version), int(second.version)],
        "parameters": _pairs(_parameters(one), _parameters(other)),
        "held-out rows": "the same" if _are_on_same_rows(one, other) else "not the same",
        "metrics": _pairs(*scores),
        "data": {**_pairs(_data(one), _data(other)), **_pairs(*columns)},
        "code": {**_pairs(*commits), **_changed(_code(one), _code(other))},
        "packages": _pairs(_packages(one), _packages(other)),
    }


def as_text(tree: Tree) -> str:
    """Write what `described` or `differences` returned for a terminal."""
    lines = []
    for name, value in tree.items():
        if isinstance(value, Mapping | list) and not value:
            lines.append(f"{name}: {'none' if isinstance(value, list) else 'the same'}")
        elif isinstance(value, Mapping):
            width = max(map(len, value))
            lines.append(name)
            lines += [f"  {key:{width}}  {_cell(cell)}".rstrip() for key, cell in value.items()]
        elif name == "decisions":
            lines.append(name)
            lines += [f"  {_decision(it)}" for it in value]
        else:
            lines.append(
                f"{name}: {', '.join(map(str, value)) if isinstance(value, list) else value}"
            )
    return "\n".join(lines)


def _cell(value: object) -> str:
    match value:
        case float():
            return f"{value:.4g}"
        case (first, second) if isinstance(value, tuple):  # what differs
            return f"{_cell(first)} -> {_cell(second)}"
        case {"value": number, "lower": lower, "upper": upper, **others}:
            interval = "" if lower is None else f" ({_cell(lower)} to {_cell(upper)})"
            known = "".join(f", {it} {_cell(at)}" for it, at in others.items() if at is not None)
            return f"{_cell(number)}{interval}{known}"
        case None:
            return "none"
        case _:
            return str(value)


def _decision(decision: Mapping[str, Any]) -> str:
    taken = "accepted" if decision["is_accepted"] else "refused"
    taken = "withdrawn" if decision.get("is_withdrawn") else taken
    time = datetime.fromisoformat(decision["time"])
    return f"{time:{TIME}} {taken} by {decision['by']}: {decision['reason']}"


def _pairs(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """Return the two values of each name whose values differ; None stands for no value."""
    pairs = {name: (one.get(name), other.get(name)) for name in dict.fromkeys([*one, *other])}
    return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def _changed(one: Mapping[str, object], other: Mapping[str, object]) -> dict[str, object]:
    """Say of each name whose values differ whether only one side has it."""
    sides = {(True, True): "changed", (True, False): "removed", (False, True): "added"}
    return {name: sides[name in one, name in other] for name in _pairs(one, other)}


def _aliases(version: "ModelVersion", aliases: Mapping[str, str]) -> list[str]:
    return [alias for alias, number in aliases.items() if number == str(version.version)]


def _since(registry: "Registry", version: "ModelVersion", aliases: Mapping[str, str]) -> str | None:
    if str(version.version) != aliases.get(CHAMPION):
        return None
    accepted = (it["time"] for it in registry.decisions(version) if it["is_accepted"])
    return max(accepted, default=None)


def _date(version: "ModelVersion") -> str:
    seconds = version.creation_timestamp / 1000
    return f"{datetime.fromtimestamp(seconds, UTC):{TIME}}"


def _interval(metrics: Mapping[str, float], metric: str) -> list[float] | None:
    bounds = [metrics.get(f"{bound}.{metric}") for bound in ("lower", "upper")]
    return None if None in bounds else [it for it in bounds if it is not None]


def _of_model(metrics: Mapping[str, float]) -> dict[str, float]:
    parts = ((name.partition("."), value) for name, value in metrics.items())
    return {metric: value for (scored, _, metric), value in parts if scored == "model"}


def _first_metric(metrics: Iterable[Mapping[str, float]], last: Path) -> str:
    """Name the first metric of the last run, or else the first one in the alphabet."""
    names = {name for values in metrics for name in _of_model(values)}
    if last.is_file():
        written = json.loads(last.read_text(encoding="utf-8"))["model"]
        return next((name for name in written if name in names), "")
    return min(names, default="")


def _are_on_same_rows(one: Bundle, other: Bundle) -> bool:
    """Say whether the metrics of two versions are those of the same held-out rows."""
    return (one.split, one.lineage.data_hash) == (other.split, other.lineage.data_hash)


def _read(bundle: Bundle, file: object) -> Tree:
    content: Tree = json.loads((bundle.folder / str(file)).read_text(encoding="utf-8"))
    return content


def _parameters(bundle: Bundle) -> dict[str, object]:
    """Return the parameters, without the sections of other models."""
    sections = yaml.safe_load(bundle.params.read_text(encoding="utf-8"))
    others = {*paths.further_models()} - {bundle.of}
    if bundle.of:
        others |= sections[bundle.of].keys()  # which the first model has, too
    return dict(flat({name: value for name, value in sections.items() if name not in others}))


def _data(bundle: Bundle) -> dict[str, object]:
    report, split = _read(bundle, paths.VALIDATION), _read(bundle, paths.SPLIT)
    rows = {f"rows {name}": report[name] for name in ("read", "valid", "quarantined")}
    return {
        "hash": bundle.lineage.data_hash,
        **rows,
        **{f"rows to {k}": n for k, n in split.items()},
    }


def _columns(bundle: Bundle) -> dict[str, object]:
    return {f"column {name}": it["type"] for name, it in _read(bundle, SCHEMA).items()}


def _code(bundle: Bundle) -> dict[str, object]:
    """Return a sum for each module of the package."""
    with zipfile.ZipFile(bundle.wheel) as archive:
        return {
            it.filename: f"{it.CRC:08x}"
            for it in archive.infolist()
            if it.filename.startswith(f"{bundle.package}/")
        }


def _packages(bundle: Bundle) -> dict[str, object]:
    return {pin.name: str(pin.specifier).removeprefix("==") for pin in bundle.packages()}


def _files(bundle: Bundle) -> dict[str, str]:
    return {**recorded_sha256(bundle.folder / SUMS), SUMS: bundle.sha256}
