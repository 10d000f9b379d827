"""Send damaged requests of the Open Inference Protocol to a service: `python fuzzed.py ADDRESS NAME RECORDS COUNT`.

Writes a JSON object: how often each status came, the longest time, and what was wrong with answers.
"""

import gzip
import json
import random
import socket
import struct
import sys
import time
from collections import Counter
from contextlib import suppress
from urllib.request import urlopen

ODD = [None, -1, 0, 1, 2**31, 2**63, 2**64, -(2**70), 10**30, 1.5, float("nan"), "x", "", [], {}, [[]], True]
ODD += ["\ud800", "é" * 200, [1] * 5, {"a": 1}]
LONGEST = 20.0  # seconds


def request(of):
    """Return a good request: its JSON as an object, and the tensors in binary."""
    rows = of.sample(records, of.choice([1, 1, 2, 5]))
    tensors, binary = [], b""
    for tensor in described["inputs"]:
        values = [row[tensor["name"]] for row in rows]
        made = {"name": tensor["name"], "shape": [len(rows), 1], "datatype": tensor["datatype"]}
        if tensor["datatype"] == "FP64" and of.random() < 0.5:
            part = struct.pack(f"<{len(values)}d", *(it or 0 for it in values))
            made["parameters"] = {"binary_data_size": len(part)}
            binary += part
        else:
            made["data"] = values
        tensors.append(made)
    return {"inputs": tensors}, binary


def damage(of, content):
    """Change some values of a request to other types and shapes, or leave them out."""
    for _ in range(of.choice([0, 1, 1, 2, 4])):
        inputs = content.get("inputs")
        one = of.choice(inputs) if isinstance(inputs, list) and inputs and of.random() < 0.8 else content
        if not isinstance(one, dict):
            continue
        name = of.choice([*one, "outputs", "parameters", "id", "data", "shape"])
        chance = of.random()
        if chance < 0.2:
            one.pop(name, None)
        elif chance < 0.8:
            one[name] = of.choice(ODD)
        else:
            one[name] = [of.choice(ODD) for _ in range(of.randint(0, 4))]


def body(of):
    """Return a body and its headers: truncated, longer, not UTF-8, deep, with lengths that lie, or as it should be."""
    content, binary = request(of)
    damage(of, content)
    text = json.dumps(content, ensure_ascii=of.random() < 0.5).encode("utf-8", "surrogatepass")
    headers = {}
    if binary:
        lies = [0, -1, len(text) - 1, len(text) + 1, 10**9, "x", "1e3"]
        headers["Inference-Header-Content-Length"] = of.choice(lies) if of.random() < 0.1 else len(text)
    chance = of.random()
    if chance < 0.05:
        binary = binary[: of.randint(0, len(binary))]
    elif chance < 0.1:
        binary += of.randbytes(of.randint(1, 50))
    made = bytearray(text + binary)
    if of.random() < 0.1:
        del made[of.randint(0, len(made)) :]
    if of.random() < 0.1 and made:
        for _ in range(3):
            made[of.randrange(len(made))] = of.randrange(256)
    if of.random() < 0.03:
        made = b"[" * of.choice([10, 5000, 200_000])
    elif of.random() < 0.02:
        made = b'{"inputs":' + b'{"a":' * 50_000
    if of.random() < 0.1:
        headers["Content-Encoding"] = of.choice(["gzip", "deflate", "x"])
        made = gzip.compress(made) if of.random() < 0.7 else made
    return bytes(made), headers


class Connection:
    """A connection to the service, opened again whenever it was closed."""

    def __init__(self):
        """Open none yet."""
        self._socket = None

    def send(self, content, headers):
        """Send a request, and return the status and the body of the answer."""
        if self._socket is None:
            self._socket = socket.create_connection((host, int(port)), LONGEST)
            self._file = self._socket.makefile("rb")
        lines = [f"POST /v2/models/{model}/infer HTTP/1.1", "Host: x", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        with suppress(OSError):  # the service may answer and close before it has all
            self._socket.sendall("\r\n".join([*lines, "", ""]).encode() + content)
        status = self._file.readline().decode()[9:12]
        length, is_over = 0, False
        while line := self._file.readline().strip().lower():
            if line.startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
            is_over |= line == b"connection: close"
        answer = self._file.read(length)
        if is_over or not status:
            self._socket.close()
            self._socket = None
        return status, answer


address, model, file, count = sys.argv[1:]
host, _, port = address.rpartition("/")[2].rpartition(":")
with open(file, encoding="utf-8") as lines:
    records = [json.loads(line) for line in lines]
with urlopen(f"{address}/v2/models/{model}") as told:
    described = json.load(told)
of = random.Random(int(count))
connection, statuses, wrong, longest = Connection(), Counter(), [], 0.0
for _ in range(int(count)):
    content, headers = body(of)
    start = time.perf_counter()
    status, answer = connection.send(content, headers)
    longest = max(longest, time.perf_counter() - start)
    statuses[status] += 1
    is_fine = status == "200" or (status.startswith("4") and {*json.loads(answer)} == {"error"})
    if not is_fine:
        wrong.append([status, repr(answer[:200]), repr(content[:500]), repr(headers)])
print(json.dumps({"statuses": statuses, "longest": longest, "wrong": wrong[:10]}))
