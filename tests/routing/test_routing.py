"""Which jobs are watched, and who hears of an event."""

from dataclasses import replace

import pytest

from notifier.model import Event
from notifier.routing import Route, Selection, asks_for_tags, route
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


def test_where_nobody_knows_the_tags_all_is_told() -> None:
    assert route(started(), [Route("d", tags=(("team", "vision"),))]) == ("d",)


def test_all_tags_must_match() -> None:
    filters = [Route("d", tags=(("team", "vision"), ("env", "prod-*")))]

    assert route(started(), filters, {"team": "vision", "env": "prod-eu", "other": "x"}) == ("d",)
    assert route(started(), filters, {"team": "vision", "env": "dev"}) == ()
    assert route(started(), filters, {"team": "vision"}) == ()


def test_tags_are_asked_for_only_where_it_depends_on_them() -> None:
    by_tag = Route("d", tags=(("team", "vision"),))

    assert asks_for_tags(started(), [Route("e"), by_tag])
    assert not asks_for_tags(started(), [Route("e")])
    assert not asks_for_tags(started(), [replace(by_tag, events=("new_best",))])
