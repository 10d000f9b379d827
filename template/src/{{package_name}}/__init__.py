"""One command per step: `cli.py` lists them, `pipeline/` holds them."""

import os

# MLflow reads these when it is imported: it reports nothing home, and logs as we do.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
