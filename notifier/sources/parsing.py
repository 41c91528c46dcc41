"""Answers in the JSON protocol as botocore gives them, value by value, for a fraction of its CPU.

botocore asks of each value of each answer anew what its shape is and how that is read. Here it is asked once for each
shape, which becomes a function; and of the rows of a list that hold times, only what somebody asks for is read.
Whatever is out of the ordinary (documents, tagged unions, blobs, event streams, times that are no numbers, errors)
stays botocore's work.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParser
from botocore.utils import parse_timestamp
from pydantic_core import from_json

Reader = Callable[[Any], Any]
Members = Mapping[str, tuple[str, "Reader | None"]]
"""By the name of a member: its name on the wire, and what reads it; None where the value is what came."""


class Row(Mapping[str, Any]):
    """A structure of which each member is read when it is asked for: the very mapping that botocore would make.

    `came` is what came over the wire.
    """

    __slots__ = ("_members", "came")

    def __init__(self, came: Mapping[str, Any], members: Members) -> None:
        self.came = came
        self._members = members

    def get(self, name: str, default: Any = None) -> Any:
        """A member, or the default where it is absent."""
        known = self._members.get(name)
        if known is None:
            return default
        wire_name, reader = known
        raw = self.came.get(wire_name)
        if raw is None:
            return default
        return raw if reader is None else reader(raw)

    def __getitem__(self, name: str) -> Any:
        if (value := self.get(name)) is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> Iterator[str]:
        return (name for name, (wire_name, _) in self._members.items() if self.came.get(wire_name) is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return repr(dict(self))


class Parsers(AioResponseParserFactory):
    """What a session's component `response_parser_factory` may be: botocore asks it for a parser at each call."""

    def __init__(self) -> None:
        super().__init__()
        self._json = JsonParser()

    def create_parser(self, protocol_name: str) -> ResponseParser:
        """For JSON always the same one, for it keeps what it learned of the shapes; other protocols have botocore's."""
        return self._json if protocol_name == "json" else super().create_parser(protocol_name)


class JsonParser(AioJSONParser):
    """botocore's parser of the JSON protocol, but for how it reads structures and their members. Times are in UTC."""

    def __init__(self) -> None:
        super().__init__(timestamp_parser=moment)
        # By the model's own words for a shape, which all clients of a session share; each has shapes of its own. The
        # words are kept with the reader, so that no others come to lie where they lay.
        self._readers: dict[int, tuple[Any, Reader]] = {}

    # Each parser of botocore has its own; the tests notice where an upgrade changes it, or how it is called.
    def _handle_structure(self, shape: StructureShape, value: Any) -> Any:
        if _peculiar(shape):
            return super()._handle_structure(shape, value)  # type: ignore[misc]
        words = shape._shape_model  # type: ignore[attr-defined]
        known = self._readers.get(id(words))
        if known is None:
            known = self._readers[id(words)] = words, self._structure(shape)
        return known[1](value)

    def _parse_body_as_json(self, body_contents: bytes) -> Any:
        try:
            return from_json(body_contents, cache_strings="keys")
        except ValueError:
            # What it does not take (half of a surrogate pair, nothing at all) may be JSON to botocore.
            return super()._parse_body_as_json(body_contents)  # type: ignore[misc]

    def _reader(self, shape: Shape) -> Reader | None:
        """What reads a value of this shape; None where the value is what came."""
        if isinstance(shape, StructureShape) and not _peculiar(shape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            member = shape.member
            if isinstance(member, StructureShape) and not _peculiar(member) and _timed(member):
                return self._rows(member)
            return _list(self._reader(member))
        if isinstance(shape, MapShape):
            return _map(self._reader(shape.key), self._reader(shape.value))
        if shape.type_name == "timestamp":
            return moment
        if not hasattr(self, f"_handle_{shape.type_name}"):
            return None
        return partial(self._parse_shape, shape)  # type: ignore[attr-defined]

    def _structure(self, shape: StructureShape) -> Reader:
        # The members are looked at when the first value comes: few of them ever do, and a shape may contain itself.
        unread, members = [shape], list[tuple[str, str, Reader | None]]()

        def read(value: Any) -> Any:
            if unread:
                members.extend(self._members(unread[0]))
                unread.clear()
            if value is None:
                return None
            parsed = {}
            for name, wire_name, reader in members:
                raw = value.get(wire_name)
                if raw is not None:
                    parsed[name] = raw if reader is None else reader(raw)
            return parsed

        return read

    def _rows(self, shape: StructureShape) -> Reader:
        members: dict[str, tuple[str, Reader | None]] = {}
        anything_else = _list(self._structure(shape))

        def read(value: Any) -> Any:
            if not members:
                members.update((name, (wire_name, reader)) for name, wire_name, reader in self._members(shape))
            if not all(type(each) is dict for each in value):
                return anything_else(value)
            return [Row(each, members) for each in value]

        return read

    def _members(self, shape: StructureShape) -> Iterator[tuple[str, str, Reader | None]]:
        for name, member in shape.members.items():
            yield name, member.serialization.get("name", name), self._reader(member)


def moment(value: Any) -> datetime:
    """Epoch seconds as a time in UTC. Other notations, and what is no time at all, are left to botocore."""
    try:
        return datetime.fromtimestamp(value, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        found: datetime = parse_timestamp(value)
        return found


def _peculiar(shape: StructureShape) -> bool:
    return bool(shape.is_document_type or shape.is_tagged_union)


def _timed(shape: StructureShape) -> bool:
    return any(member.type_name == "timestamp" for member in shape.members.values())


def _list(read: Reader | None) -> Reader:
    if read is None:
        return list
    return lambda value: [None if each is None else read(each) for each in value]


def _map(key: Reader | None, read: Reader | None) -> Reader:
    key, read = key or _same, read or _same
    return lambda value: {key(name): read(each) for name, each in value.items()}


def _same(value: Any) -> Any:
    return value
