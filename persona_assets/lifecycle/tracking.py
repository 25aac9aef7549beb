"""What was tried, in MLflow: one run per trial, for people who keep their experiments there.

Belongs here: everything that knows MLflow. Does not belong here: trials (`study.py`) or sweeps of
the segmentation (`segmentation/tracking.py`); what is tracked is in a table as well.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from persona_assets.errors import InfrastructureError, UserError

VARIABLE = "MLFLOW_TRACKING_URI"
"""MLflow's own setting; tracking is on where it is set."""
TAGGED = ("study", "model", "cutoff", "sampler", "seed")
MEASURED = (
    "ndcg", "ndcg_low", "ndcg_high", "recall", "recall_low", "recall_high",
    "lift", "lift_low", "lift_high", "users", "seconds",
)  # fmt: skip
MOST_CHARACTERS = 500
"""Of a parameter's value; the tracking server refuses more (MLflow allows 6,000 since 2.8)."""


class Tracker:
    """Writes what was tried with one model to the MLflow experiment `persona/<model>`.

    A client of its own rather than MLflow's fluent functions: these keep the tracking server and
    the run under way in global variables.
    """

    def __init__(self, uri: str, model: str) -> None:
        """Find or make the experiment.

        Args:
            uri: tracking server or store, `sqlite:///runs.db` say.
            model: name of the model.

        Raises:
            UserError: MLflow is not installed.
            InfrastructureError: the tracking server does not take it.
        """
        try:
            from mlflow import MlflowClient
            from mlflow.exceptions import MlflowException
        except ModuleNotFoundError as error:
            raise UserError(
                f"{VARIABLE} is set but MLflow is not installed ({error}); run "
                "`pip install 'persona_assets[mlflow]'`, or unset the variable"
            ) from error
        self._refusal: type[Exception] = MlflowException
        self._uri = uri
        try:
            self._client = MlflowClient(tracking_uri=uri)
            name = f"persona/{model}"
            known = self._client.get_experiment_by_name(name)
            self._experiment = (
                self._client.create_experiment(name) if known is None else known.experiment_id
            )
        except MlflowException as error:
            raise self._failure(error) from error

    def track(self, row: Mapping[str, Any]) -> None:
        """Write one row of `models/tuning_trials` as a run.

        Every field of the configuration is a parameter, that of a part `part.field`. A failed trial
        is a failed run.

        Raises:
            InfrastructureError: the tracking server does not take it.
        """
        self.run(
            f"{row['study']} trial {row['trial']}",
            parameters=json.loads(row["parameters"]),
            metrics={name: row[name] for name in MEASURED},
            tags={name: row[name] for name in TAGGED},
            error=row["error"],
        )

    def run(
        self,
        name: str,
        *,
        parameters: Mapping[str, Any],
        metrics: Mapping[str, float | None],
        tags: Mapping[str, object],
        error: str | None = None,
    ) -> None:
        """Write one run.

        Args:
            name: of the run.
            parameters: what it depends on; nested ones become `outer.inner`.
            metrics: what was measured; None: was not.
            tags: by which runs are found.
            error: why it failed; None: it did not.

        Raises:
            InfrastructureError: the tracking server does not take it.
        """
        from mlflow.entities import Metric, Param, RunTag

        try:
            run = self._client.create_run(self._experiment, run_name=name)
            stamp = run.info.start_time
            self._client.log_batch(
                run.info.run_id,
                metrics=[
                    Metric(name, float(value), stamp, 0)
                    for name, value in metrics.items()
                    if value is not None
                ],
                params=[
                    Param(name, str(value)[:MOST_CHARACTERS]) for name, value in _flat(parameters)
                ],
                tags=[RunTag(name, str(value)) for name, value in tags.items()]
                + ([RunTag("error", error)] if error else []),
            )
            self._client.set_terminated(run.info.run_id, status="FAILED" if error else "FINISHED")
        except self._refusal as refusal:
            raise self._failure(refusal) from refusal

    def _failure(self, error: Exception) -> InfrastructureError:
        return InfrastructureError(
            f"MLflow at {self._uri} does not take the runs: {error}; correct or unset {VARIABLE}"
        )


def _flat(values: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{within}{name}.")
        else:
            yield within + name, value
