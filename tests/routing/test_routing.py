"""Which jobs are watched, and who hears of an event."""

import pytest

from notifier.model import Event
from notifier.routing import Route, Selection, route
from tests.examples import best, ended, new_best, started, tuning_job


@pytest.mark.parametrize(
    ("jobs", "exclude", "name", "selected"),
    [
        pytest.param(("*",), (), "anything", True, id="everything-by-default"),
        pytest.param(("xgb-*", "bert"), (), "XGB-churn", True, id="names-are-case-insensitive"),
        pytest.param(("xgb-*",), (), "bert", False, id="no-glob-matches"),
        pytest.param(("*",), ("*-test",), "xgb-test", False, id="left-out"),
    ],
)
def test_selects_by_name(jobs: tuple[str, ...], exclude: tuple[str, ...], name: str, selected: bool) -> None:
    assert Selection(jobs, exclude).selects(name) is selected


@pytest.mark.parametrize(
    ("filters", "event", "wanted"),
    [
        pytest.param(Route("d"), started(), True, id="no-filter"),
        pytest.param(Route("d", jobs=("bert*",)), started(), False, id="another-job"),
        pytest.param(Route("d", events=("new_best",)), new_best(best()), True, id="its-type"),
        pytest.param(Route("d", events=("new_best",)), started(), False, id="another-type"),
        pytest.param(Route("d", statuses=("Failed",)), ended(status="Failed"), True, id="its-status"),
        pytest.param(Route("d", statuses=("Failed",)), ended(), False, id="another-status"),
        pytest.param(Route("d", statuses=("Failed",)), started(), True, id="statuses-restrict-status-changes-alone"),
        pytest.param(Route("d", accounts=("999988887777",)), started(), False, id="another-account"),
        pytest.param(Route("d", regions=("us-east-1",)), started(tuning_job()), True, id="its-region"),
    ],
)
def test_a_destination_hears_what_it_wants(filters: Route, event: Event, wanted: bool) -> None:
    assert route(event, [filters]) == (("d",) if wanted else ())
