"""The recorded runs: one shape, and nothing lost of what was recorded."""

import pytest

from notifier.model import Direction
from notifier.simulator.job import SimulatedJob
from notifier.simulator.runs import RECORDED, float32, load_runs
from tests.examples import sample

RUNS = load_runs()


@pytest.mark.parametrize("key", RECORDED)
def test_every_recorded_run_has_trials_in_order_and_a_direction(key: str) -> None:
    run = RUNS[key]

    numbers = [int(trial.suffix.split("-")[0]) for trial in run.trials]
    assert numbers == list(range(1, len(run.trials) + 1))
    assert all(trial.seconds > 0 and trial.starts >= 0 for trial in run.trials)
    assert run.direction in Direction and run.metric
    assert 1 <= run.parallel <= len(run.trials)


@pytest.mark.parametrize(
    ("key", "recording"),
    [
        pytest.param("dengai", "trials_dengai_iq-200415-1449.json", id="minimize"),
        pytest.param("aim318", "trials_aim318_sagemaker-mxnet-191203-1719.json", id="maximize"),
        pytest.param("jihys", "trials_jihys_pytorch-training-200910-0409.json", id="few-trials"),
        pytest.param("amtviz", "trials_amtviz_bayesian-240530-2035_last10.json", id="rounded-values"),
    ],
)
def test_a_replayed_run_ends_with_the_best_that_the_notebook_recorded(key: str, recording: str) -> None:
    recorded = sample(recording)["BestTrainingJob"]
    job = SimulatedJob("replayed", RUNS[key], created=0.0)

    best = job.at(job.ends).best

    assert best is not None
    assert best.name.rsplit("-", 1)[1] == recorded["TrainingJobName"].rsplit("-", 1)[1]
    assert best.value == pytest.approx(recorded["FinalHyperParameterTuningJobObjectiveMetric"]["Value"], rel=1e-5)


def test_integers_that_a_notebook_printed_as_floats_are_integers_again() -> None:
    assert RUNS["aim318"].trials[0].hyperparameters == {
        "learning_rate": "0.11029295344240654",
        "num_epoch": "37",
        "optimizer": '"sgd"',
    }


def test_values_are_widened_32_bit_floats_as_on_the_wire() -> None:
    assert float32(0.1) == 0.10000000149011612
    assert all(float32(trial.value) == trial.value for trial in RUNS["amtviz"].trials if trial.value is not None)
