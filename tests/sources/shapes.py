"""The service models as botocore sees them, and answers made up from their shapes: right, odd and wrong ones."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from hypothesis import strategies as st

from notifier.sources import PREVIEW_SERVICE, new_session
from notifier.sources.operation import Operation

JSON_OPERATIONS = [each for each in Operation if not each.action.startswith("sts:")]
TEXTS = st.text(max_size=4)
JUNK = st.sampled_from([None, True, 0, 7, -1.5, "", "junk", "7", [], ["a"], [None], {}, {"a": 1}, [{"Name": None}]])
TIMES = st.one_of(
    st.floats(0, 4e9),
    st.integers(-(10**9), 4 * 10**9),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), 1e12, -1e12, 1e300, 10**400, True]),
    st.sampled_from(["1700000000", "1.7e9", "2026-01-31T12:00:00Z", "2026-01-31T12:00:00+05:30"]),
    st.sampled_from(["2026-01-31T12:00:00", "Sat, 31 Jan 2026 12:00:00 GMT", "", "nan", "yesterday"]),
)
SCALARS = {
    "string": TEXTS,
    "integer": st.integers(),
    "long": st.integers(),
    "float": st.floats(),
    "boolean": st.booleans(),
    "timestamp": TIMES,
    "blob": st.sampled_from(["", "aGVsbG8=", "no base64", "a"]),
}

_PECULIAR = {
    "metadata": {"protocol": "json"},
    "operations": {"Tell": {"name": "Tell", "http": {}, "output": {"shape": "Told"}}},
    "shapes": {
        "Told": {
            "type": "structure",
            "members": {
                "Renamed": {"shape": "Text", "locationName": "renamed"},
                "Anything": {"shape": "Document"},
                "OneOf": {"shape": "Union"},
                "Bytes": {"shape": "Bytes"},
                "Inside": {"shape": "Told"},
                "Nothing": {"shape": "Nothing"},
                "ByName": {"shape": "ByName"},
                "Documents": {"shape": "Documents"},
                "Grid": {"shape": "Grid"},
            },
        },
        "Text": {"type": "string"},
        "Time": {"type": "timestamp", "timestampFormat": "iso8601"},
        "Bytes": {"type": "blob"},
        "Document": {"type": "structure", "members": {}, "document": True},
        "Union": {"type": "structure", "members": {"A": {"shape": "Text"}, "B": {"shape": "Time"}}, "union": True},
        "Nothing": {"type": "structure", "members": {}},
        "ByName": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Told"}},
        "Documents": {"type": "list", "member": {"shape": "Document"}},
        "Grid": {"type": "list", "member": {"shape": "Line"}},
        "Line": {"type": "list", "member": {"shape": "Time"}},
    },
}


@cache
def model(service: str) -> ServiceModel:
    """A service's model as our sessions load it."""
    return ServiceModel(new_session().get_component("data_loader").load_service_model(service, "service-2"), service)


def operation(operation: Operation) -> OperationModel:
    """An operation that is called in the JSON protocol."""
    service = PREVIEW_SERVICE if operation is Operation.DESCRIBE_PREVIEW else operation.action.partition(":")[0]
    return model(service).operation_model(operation.value)


def output(called: Operation) -> Shape:
    """The shape of an operation's answer."""
    shape = operation(called).output_shape
    assert shape is not None
    return shape


def peculiar() -> Shape:
    """A shape with all that botocore does with JSON and that the tuning API does not do; new each time."""
    shape = ServiceModel(_PECULIAR, "peculiar").operation_model("Tell").output_shape
    assert shape is not None
    return shape


def within(shape: Shape) -> Iterator[Shape]:
    """A shape and all that it is made of, if it does not contain itself."""
    yield shape
    if isinstance(shape, StructureShape):
        for member in shape.members.values():
            yield from within(member)
    elif isinstance(shape, ListShape):
        yield from within(shape.member)
    elif isinstance(shape, MapShape):
        yield from within(shape.key)
        yield from within(shape.value)


@st.composite
def answers(draw: st.DrawFn, shape: Shape) -> Any:
    """A JSON value for a shape. One in ten is null or something else altogether."""
    if draw(st.integers(0, 9)) == 9:
        return draw(JUNK)
    if isinstance(shape, StructureShape):
        names = draw(st.lists(st.sampled_from(sorted(shape.members)), max_size=5, unique=True))
        unknown = draw(st.dictionaries(st.sampled_from(["Unheard", "__type"]), JUNK, max_size=1))
        return unknown | {name: draw(answers(shape.members[name])) for name in names}
    if isinstance(shape, ListShape):
        return draw(st.lists(answers(shape.member), max_size=3))
    if isinstance(shape, MapShape):
        return draw(st.dictionaries(TEXTS, answers(shape.value), max_size=3))
    return draw(SCALARS[shape.type_name])
