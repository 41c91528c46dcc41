"""Answers in the JSON protocol as botocore gives them, value by value, for a fraction of its CPU.

botocore asks of each value of each answer anew what its shape is and how that is read. Here it is asked once for each
shape, which becomes a function. Whatever is out of the ordinary (documents, tagged unions, blobs, event streams, times
that are no numbers, errors) stays botocore's work.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aiobotocore.parsers import AioJSONParser, AioResponseParserFactory
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import ResponseParser
from botocore.utils import parse_timestamp

Reader = Callable[[Any], Any]


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

    def _reader(self, shape: Shape) -> Reader | None:
        """What reads a value of this shape; None where the value is what came."""
        if isinstance(shape, StructureShape) and not _peculiar(shape):
            return self._structure(shape)
        if isinstance(shape, ListShape):
            return _list(self._reader(shape.member))
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


def _list(read: Reader | None) -> Reader:
    if read is None:
        return list
    return lambda value: [None if each is None else read(each) for each in value]


def _map(key: Reader | None, read: Reader | None) -> Reader:
    key, read = key or _same, read or _same
    return lambda value: {key(name): read(each) for name, each in value.items()}


def _same(value: Any) -> Any:
    return value
