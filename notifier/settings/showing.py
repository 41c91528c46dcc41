"""The settings as people look at them: a row for each variable, secrets masked; the README's table is one of these."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from notifier.settings.names import DESTINATIONS
from notifier.settings.tree import COMPOSED, Settings, variable
from notifier.settings.values import InSeconds, Shown

MASK = "********"
EMPTY = "empty"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One variable: what it means, what it is when nobody sets it, and what it is now."""

    variable: str
    meaning: str
    default: str
    value: str


def describe_settings(settings: Settings) -> list[SettingRow]:
    """A row for each variable, those of the named destinations at the end. No secret is in it."""
    rows = [_row(name, field, settings) for name, field in _fields()]
    return [*rows, *_destination_rows(settings)]


def settings_table() -> str:
    """Every variable with its default and meaning, as a table in Markdown."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    lines += [f"| `{variable(name)}` | {_marked(_default(field))} | {field.description} |" for name, field in _fields()]
    return "\n".join(lines)


def _fields() -> Iterator[tuple[str, FieldInfo]]:
    return ((name, field) for name, field in Settings.model_fields.items() if name not in COMPOSED)


def _row(name: str, field: FieldInfo, settings: Settings) -> SettingRow:
    default, value = _default(field), getattr(settings, name)
    now = default if value == field.default else _text(value, field.metadata)
    return SettingRow(variable(name), field.description or "", default, now)


def _default(field: FieldInfo) -> str:
    shown = next((each.text for each in field.metadata if isinstance(each, Shown)), None)
    return shown or _text(field.default, field.metadata, masked=False)


def _destination_rows(settings: Settings) -> Iterator[SettingRow]:
    for name, each in settings.destinations.items():
        for key, field in type(each).model_fields.items():
            value = getattr(each, key)
            if key == "kind" or value != field.default:
                full = f"{DESTINATIONS}{name.upper()}__{key.upper()}"
                # What a flat variable says is shown there; here stands what it comes to.
                default = "" if field.is_required() else _text(field.default, field.metadata)
                yield SettingRow(full, field.description or "", default, _text(value, field.metadata))


def _text(value: Any, metadata: Iterable[Any], *, masked: bool = True) -> str:
    """A value as people write it."""
    if value is None or value == () or value == "":
        return EMPTY
    if isinstance(value, SecretStr):
        return MASK if masked else value.get_secret_value()
    if isinstance(value, tuple):
        return ", ".join(_text(each, (), masked=masked) for each in value)
    if isinstance(value, float):
        return _duration(value) if any(isinstance(each, InSeconds) for each in metadata) else f"{value:g}"
    return str(value)


def _duration(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _marked(default: str) -> str:
    return default if " " in default or default == EMPTY else f"`{default}`"
