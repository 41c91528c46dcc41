"""What an upgrade of botocore must not change unseen: our parser does some of its work, by a method that is its own."""

import hashlib
import inspect
import json
from typing import Any

import pytest
from aiobotocore.parsers import AioJSONParser

from notifier.sources.operation import Operation
from notifier.sources.parsing import JsonParser
from tests.examples import sample
from tests.sources.aws import wire
from tests.sources.shapes import JSON_OPERATIONS, operation, output, within


class Counting(JsonParser):
    """Counts how often botocore asks for a structure."""

    structures = 0

    def _handle_structure(self, shape: Any, value: Any) -> Any:
        self.structures += 1
        return super()._handle_structure(shape, value)


async def test_botocore_asks_for_the_outermost_structure_alone() -> None:
    parser, body = Counting(), json.dumps(wire(sample("describe_tuning-job2022-02-01-02-52-55.json"))).encode()

    await parser.parse({"status_code": 200, "headers": {}, "body": body}, output(Operation.DESCRIBE))

    assert parser.structures == 1


@pytest.mark.parametrize("called", JSON_OPERATIONS)
def test_the_operations_speak_json_in_the_types_that_are_known(called: Operation) -> None:
    known = {"structure", "list", "map", "timestamp", "string", "integer", "long", "float", "boolean", "blob"}

    assert operation(called).service_model.resolved_protocol == "json"
    assert {shape.type_name for shape in within(output(called))} <= known


@pytest.mark.parametrize(
    ("method", "digest"),
    [
        ("_parse_shape", "448f05949c38"),
        ("_default_handle", "88c1ab7f9c98"),
        ("_handle_structure", "c0149450e982"),
        ("_handle_list", "7e734103cb64"),
        ("_handle_map", "2bbe776e7fdf"),
        ("_handle_timestamp", "eceae544e4ee"),
    ],
)
def test_what_is_done_in_botocores_place_did_not_change_there(method: str, digest: str) -> None:
    source = inspect.getsource(getattr(AioJSONParser, method))

    found = hashlib.sha256(source.encode()).hexdigest()[:12]

    assert found == digest, f"botocore changed {method}: let notifier/sources/parsing.py do the same, then note {found}"


def test_botocore_handles_no_further_types() -> None:
    types = {"structure", "list", "map", "timestamp", "blob"}
    others = {"event_stream", "json_body", "unknown_tagged_union_member"}

    assert {name for name in dir(AioJSONParser) if name.startswith("_handle_")} == {
        f"_handle_{each}" for each in types | others
    }
