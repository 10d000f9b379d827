"""Servers that tests start: PostgreSQL, and MLflow on it."""

import socket
import subprocess
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.generated.repository import Repository, interpreter, machine


@contextmanager
def postgresql(scratch: Path, sql: Sequence[str] = (), access: str = "") -> Iterator[str]:
    """Run a server that a package ships, and yield its address; without one, the test is skipped.

    Args:
        scratch: A folder for the database.
        sql: Lines to run at first.
        access: A line of pg_hba.conf that goes before the others.
    """
    script = """
        import pathlib, pgserver, sys
        server = pgserver.get_server(sys.argv[1])
        server.psql(sys.argv[2])
        access = pathlib.Path(sys.argv[1], "pg_hba.conf")
        access.write_text(sys.argv[3] + "\\n" + access.read_text())
        server.psql("select pg_reload_conf()")
        print(server.get_uri(), flush=True)
        sys.stdin.read()
        server.cleanup()
    """
    python = interpreter("3.12") or interpreter("3.11") or "3.12"
    command = ["uv", "run", "--no-project", f"--python={python}", "--with=pgserver", "python", "-c"]
    lines = "\n".join(["\\set ON_ERROR_STOP on", *sql])
    with subprocess.Popen(
        [*command, textwrap.dedent(script), str(scratch / "pg"), lines, access],
        env=machine(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as server:
        assert server.stdin
        assert server.stdout
        assert server.stderr
        uri = server.stdout.readline().strip()
        if not uri:
            server.stdin.close()
            pytest.skip(f"no PostgreSQL on this machine: {server.stderr.read()[-300:]}")
        yield uri
        server.stdin.close()


@contextmanager
def mlflow(repository: Repository, scratch: Path, backend: str) -> Iterator[str]:
    """Run the MLflow server that fits a repository on a database, and yield its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = ["uv", "run", "--isolated", "--frozen", "--extra=ui", "--with=psycopg[binary]", "mlflow", "server"]
    options = [f"--backend-store-uri={backend}", f"--artifacts-destination={scratch / 'artifacts'}", f"--port={port}"]
    log = scratch / "mlflow.log"
    with (
        log.open("w") as said,
        subprocess.Popen(
            [*command, *options], cwd=repository.path, env=repository.env, stdout=said, stderr=said
        ) as server,
    ):
        for _ in range(300):
            if server.poll() is not None:
                break
            try:
                urlopen(f"{address}/health").close()  # noqa: S310
                break
            except OSError:
                time.sleep(1)
        assert server.poll() is None, log.read_text("utf-8")[-3000:]
        yield address
        server.terminate()
