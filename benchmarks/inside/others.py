"""Write the model of a repository for other servers, and requests for all of them: `python others.py FOLDER`."""

import json
import sys
from pathlib import Path

import joblib
import mlflow
import polars as pl
from my_project import model
from my_project.core.base import paths
from my_project.core.base.estimators import format_of, load_recorded
from my_project.schema import TARGET

BENTO = '''"""The model behind BentoML."""

import bentoml
import joblib
import pandas as pd


@bentoml.service(workers=1)
class Model:
    def __init__(self) -> None:
        self.model = joblib.load("{folder}/model.joblib")

    @bentoml.api
    def predict(self, rows: pd.DataFrame) -> list[str]:
        return self.model.predict(rows).tolist()
'''
CONSTANT = '''"""A page that always says the same."""

from fastapi import FastAPI, Request

app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> dict[str, str]:
    await request.body()
    return {"prediction": "class_0"}
'''

folder = Path(sys.argv[1])
estimator = load_recorded(paths.MODEL, format_of(model))
inputs = pl.read_parquet(paths.TEST).drop(TARGET).to_pandas()
inputs = inputs.iloc[[number % len(inputs) for number in range(100)]].reset_index(drop=True)
rows = pl.read_parquet(paths.VALID).drop(TARGET).head(100)

mlflow.sklearn.save_model(
    estimator,
    folder / "mlflow",
    pip_requirements=[],
    serialization_format="skops",
    skops_trusted_types=["numpy.dtype"],
    signature=mlflow.models.infer_signature(inputs, estimator.predict(inputs)),
)
joblib.dump(estimator, folder / "model.joblib")
(folder / "bento.py").write_text(BENTO.format(folder=folder), "utf-8")
(folder / "constant.py").write_text(CONSTANT, "utf-8")
(folder / "mlserver").mkdir()
settings = {"http_port": int(sys.argv[2]), "grpc_port": int(sys.argv[2]) + 1, "metrics_port": int(sys.argv[2]) + 2}
settings |= {"host": "127.0.0.1", "parallel_workers": 0, "debug": False}
(folder / "mlserver/settings.json").write_text(json.dumps(settings), "utf-8")
served = {"name": "model", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "../model.joblib"}}
(folder / "mlserver/model-settings.json").write_text(json.dumps(served), "utf-8")

for count in (1, 100):
    few = inputs.head(count)
    tensors = [
        {"name": name, "shape": [count, 1], "datatype": "FP64", "data": few[name].tolist()} for name in few.columns
    ]
    bodies = {
        "records": rows.head(count).to_dicts(),
        "mlflow": {"dataframe_split": few.to_dict("split", index=False)},
        "bento": {"rows": few.to_dict("records")},
        "mlserver": {"parameters": {"content_type": "pd"}, "inputs": tensors},
    }
    for name, body in bodies.items():
        (folder / f"{name}-{count}.json").write_text(json.dumps(body), "utf-8")
