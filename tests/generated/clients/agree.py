"""Ask a service as a client of the Open Inference Protocol, and compare with what it answers to records.

Run with the packages of the client: `python agree.py CLIENT ADDRESS NAME RECORDS`.
"""

import asyncio
import json
import math
import sys
from urllib.request import Request, urlopen

import numpy as np

TYPES = {"FP64": np.float64, "FP32": np.float32, "INT64": np.int64, "BOOL": np.bool_, "BYTES": np.object_}


def ask(path, body=None):
    """Return the JSON at a path of the service."""
    with urlopen(Request(f"{address}{path}", body)) as answer:
        return json.load(answer)


def compare(found, rows):
    """Fail if values by the names of outputs are not those that the service gives for records."""
    wanted = ask("/predict", json.dumps(rows).encode())["predictions"]
    assert wanted
    assert {*found} == {*wanted[0]}, {*found} ^ {*wanted[0]}
    for name, values in found.items():
        for value, row in zip(np.asarray(values).ravel(), wanted, strict=True):
            if isinstance(row[name], float):
                assert math.isclose(value, row[name], rel_tol=1e-12, abs_tol=1e-12), (name, value, row[name])
            else:
                assert (value.decode() if isinstance(value, bytes) else value) == row[name]


def array(name, rows):
    """Return a column as an array; an empty cell is NaN in a column of floating-point numbers."""
    values = [row[name] for row in rows]
    if types[name].startswith("FP"):
        values = [math.nan if it is None else it for it in values]
    return np.array(values, TYPES[types[name]]).reshape(-1, 1)


def triton():
    """Send tensors in JSON and in binary, each plain and compressed."""
    import tritonclient.http as http

    client = http.InferenceServerClient(address.removeprefix("http://"))
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(model)
    for binary in (True, False):
        rows = full if binary else numbered
        for compression in (None, "gzip", "deflate"):
            inputs = []
            for name in types:
                inputs.append(http.InferInput(name, [len(rows), 1], types[name]))
                inputs[-1].set_data_from_numpy(array(name, rows), binary_data=binary)
            answer = client.infer(
                model,
                inputs,
                outputs=[http.InferRequestedOutput(name, binary_data=binary) for name in outputs],
                request_compression_algorithm=compression,
                response_compression_algorithm=compression,
            )
            compare({name: answer.as_numpy(name) for name in outputs}, rows)


def kserve():
    """Send tensors in JSON, empty cells included, and in binary."""
    from kserve import InferenceRESTClient, InferInput, InferRequest, RESTConfig

    async def both():
        client = InferenceRESTClient(RESTConfig(protocol="v2", timeout=30))
        assert await client.is_server_live(address)
        assert await client.is_server_ready(address)
        assert await client.is_model_ready(address, model)
        for binary in (True, False):
            rows = full if binary else records
            inputs = []
            for name in types:
                data = None if binary else [row[name] for row in rows]
                inputs.append(InferInput(name, [len(rows), 1], types[name], data))
                if binary:
                    inputs[-1].set_data_from_numpy(array(name, rows), binary_data=True)
            answer = await client.infer(address, InferRequest(model, inputs), model_name=model)
            compare({output.name: output.as_numpy() for output in answer.outputs}, rows)

    asyncio.run(both())


def mlserver():
    """Send a data frame in both of the codec's ways."""
    import pandas as pd
    from mlserver.codecs import PandasCodec
    from mlserver.types import InferenceResponse

    for as_bytes in (True, False):
        asked = PandasCodec.encode_request(pd.DataFrame(numbered), use_bytes=as_bytes)
        body = asked.model_dump_json(exclude_none=True).encode()
        answer = InferenceResponse.model_validate(ask(f"/v2/models/{model}/infer", body))
        compare(PandasCodec.decode_response(answer).to_dict("list"), numbered)


client, address, model, file = sys.argv[1:]
with open(file, encoding="utf-8") as lines:
    records = [json.loads(line) for line in lines]
described = ask(f"/v2/models/{model}")
types = {it["name"]: it["datatype"] for it in described["inputs"]}
outputs = [it["name"] for it in described["outputs"]]
# Rows whose empty cells all are floating-point numbers, and rows without empty cells.
full = [row for row in records if all(row[name] is not None or types[name].startswith("FP") for name in types)]
numbered = [row for row in records if None not in row.values()]
assert numbered
{"triton": triton, "kserve": kserve, "mlserver": mlserver}[client]()
print(f"{client}: {len(records)} rows, {len(full)} of them in binary, agree")
