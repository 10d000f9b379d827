"""Clients of a service that send one request after the other, in a process of their own."""

import asyncio
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable

CLIENTS = 8
LONGEST = 60.0  # seconds to wait for an answer


class Load:
    """Clients that send one request after the other, in a process of their own.

    Attributes:
        outcomes: How often each status or error occurred.
        versions: How often each version answered.
    """

    def __init__(self, address: str, body: str) -> None:
        """Prepare the clients.

        Args:
            address: Where the service listens.
            body: What they send, in one line.
        """
        self._body = body
        self._host, _, self._port = address.rpartition("/")[2].rpartition(":")
        self.outcomes, self.versions = Counter[str](), Counter[str]()
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> "Load":
        """Start them."""
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._host, self._port],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._process.stdin
        self._process.stdin.write(self._body.strip() + "\n")
        self._process.stdin.flush()
        return self

    def __exit__(self, *_: object) -> None:
        """End them, and count."""
        assert self._process
        outcomes, versions = json.loads(self._process.communicate()[0])
        self.outcomes.update(outcomes)
        self.versions.update(versions)


async def one_client(
    host: str, port: int, body: bytes, outcomes: Counter[str], versions: Counter[str], is_over: Callable[[], bool]
) -> None:
    """Send a request after the other over a connection, and a new one after each that ends."""
    head = f"POST /predict HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    writer = None
    while not is_over():
        try:
            if writer is None:
                reader, writer = await asyncio.open_connection(host, port)
            writer.write(head + body)
            told = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LONGEST)).decode().lower()
            length = re.search(r"content-length: (\d+)", told)
            assert length
            content = json.loads(await reader.readexactly(int(length[1])))
            outcomes[told[9:12]] += 1
            if "predictions" in content:
                assert f"x-model-version: {content['version']}\r\n" in told
                assert "prediction" in content["predictions"][0]
                versions[content["version"]] += 1
            if "connection: close" in told:
                writer.close()
                writer = None
        except ConnectionRefusedError:
            outcomes["ConnectionRefusedError"] += 1
            return
        except Exception as error:
            outcomes[f"{type(error).__name__}: {error}"] += 1
            if writer:
                writer.close()
            writer = None


async def all_clients(host: str, port: int) -> None:
    """Send requests until standard input ends, then write what happened."""
    body = sys.stdin.readline().encode()
    outcomes, versions = Counter[str](), Counter[str]()
    reading = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    clients = (one_client(host, port, body, outcomes, versions, reading.done) for _ in range(CLIENTS))
    await asyncio.gather(*clients)
    print(json.dumps([outcomes, versions]))


if __name__ == "__main__":
    asyncio.run(all_clients(sys.argv[1], int(sys.argv[2])))
