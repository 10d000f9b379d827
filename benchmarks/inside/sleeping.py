"""Let 64 workers of Dask in one process sleep for as long as parts took, and print how long that takes in all.

This runs inside a generated repository with the piece `distributed`: `python sleeping.py SECONDS...`.
"""

import heapq
import json
import os
import sys
import time
from pathlib import Path

from distributed import LocalCluster
from my_project.core.base import paths
from my_project.core.base.tables import Part
from my_project.core.distributed import dask_engine, remote
from my_project.core.processes import Stage

PARTS, WORKERS = 1000, 64
BEGAN = "BEGAN"  # the variable that says when the first part began; functions travel as copies


def main(seconds: list[float]) -> None:
    """Measure the time until the first part begins, that until the last one ends, and what it would be at best."""
    taken = [seconds[number % len(seconds)] for number in range(PARTS)]

    def work(_: object, part: dict[str, int]) -> str:
        os.environ.setdefault(BEGAN, str(time.perf_counter()))
        time.sleep(taken[part["first"]])
        return json.dumps({"outcome": part["first"]})

    remote.work = work
    free = [0.0] * WORKERS  # when each worker is free again, if a part begins at once on the next one
    for it in taken:
        heapq.heappush(free, heapq.heappop(free) + it)
    folder = Path("data/sleeping")
    folder.mkdir(exist_ok=True)
    parts = [Part([paths.RAW], 1, number, [folder / str(number)], is_all=False) for number in range(PARTS)]
    options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": 50}
    with LocalCluster(n_workers=WORKERS, processes=False, **options) as cluster:
        os.environ[dask_engine.ADDRESS] = cluster.scheduler_address
        start = time.perf_counter()
        outcomes = [*dask_engine.each(Stage(work, (), is_python=True), parts)]
        end = time.perf_counter()
    assert outcomes == [*range(PARTS)]
    began = float(os.environ[BEGAN])
    print(json.dumps({"start": began - start, "wall": end - began, "ideal": max(free)}))


if __name__ == "__main__":
    main([float(it) for it in sys.argv[1:]])
