"""The settings as people look at them: a row for each variable, secrets masked; the README's tables come from here."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from notifier.delivery import KINDS
from notifier.delivery.settings import Duration
from notifier.settings.destinations import FLAT, apprise_name
from notifier.settings.names import DESTINATION_FORM, DESTINATIONS
from notifier.settings.secrets import without_secrets
from notifier.settings.tree import COMPOSED, Settings, field_of, variable
from notifier.settings.values import InSeconds, Shown
from notifier.settings.variables import DATABASE_URL, STAND_INS

MASK = "********"
EMPTY = "empty"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"))
_DURATION_MARKS = (InSeconds, type(Duration.__metadata__[0]))  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class SettingRow:
    """One variable in plain text: what it means, what it is when nobody sets it, and what it is now."""

    variable: str
    meaning: str
    default: str
    value: str


def describe_settings(settings: Settings) -> list[SettingRow]:
    """A row for each variable, those of the named destinations at the end. No secret is in it."""
    rows = [_row(variable(name), settings, name, field) for name, field in _flat_fields()]
    for name, destination in settings.destinations.items():
        if not _made_flat(settings, name):
            rows += _destination_rows(name, destination)
    return rows


def settings_table() -> str:
    """The README's table: every variable with its default and meaning, in Markdown."""
    rows = [(_named(variable(name)), _marked(field), _meaning(field)) for name, field in _flat_fields()]
    rows.append((f"`{DESTINATION_FORM}`", EMPTY, "further destinations, each with a `KIND` and that kind's fields"))
    return _markdown(("variable", "default", "meaning"), rows)


def destinations_table() -> str:
    """The README's table of `<FIELD>`: what can be said of a named destination, in Markdown."""
    kinds = ", ".join(f"`{kind}`" for kind in KINDS)
    rows = [("`KIND`", "all", "", f"what it is: {kinds}")]
    for name, fields in _fields_by_name().items():
        # Kinds may differ in a default or in words: each variant has a line of its own.
        for (default, meaning), speakers in _variants(fields).items():
            whose = "all" if len(speakers) == len(KINDS) else ", ".join(f"`{kind}`" for kind in speakers)
            rows.append((f"`{name.upper()}`", whose, default, meaning))
    return _markdown(("field", "of", "default", "meaning"), rows)


def _flat_fields() -> Iterator[tuple[str, FieldInfo]]:
    return ((name, field) for name, field in Settings.model_fields.items() if name not in COMPOSED)


def _made_flat(settings: Settings, name: str) -> bool:
    """Whether the flat variables make this destination: they then show all there is of it."""
    if settings.apprise_urls is not None and name in map(
        apprise_name, settings.apprise_urls.get_secret_value().split()
    ):
        return True
    return name in FLAT and getattr(settings, field_of(next(iter(FLAT[name].values())))) is not None


def _destination_rows(name: str, destination: BaseModel) -> Iterator[SettingRow]:
    # What a flat variable says to it is shown as well: here stands what it comes to.
    for key, field in type(destination).model_fields.items():
        if key in destination.model_fields_set:
            yield _row(f"{DESTINATIONS}{name.upper()}__{key.upper()}", destination, key, field)


def _row(full: str, holder: BaseModel, name: str, field: FieldInfo) -> SettingRow:
    default, value = _default(field), getattr(holder, name)
    shown = without_secrets(value.get_secret_value(), MASK) if full == DATABASE_URL else _text(value, field)
    row = (full, _meaning(field), default, default if value == field.default else shown)
    return SettingRow(*(cell.replace("`", "") for cell in row))


def _meaning(field: FieldInfo) -> str:
    return field.description or "what it is"


def _default(field: FieldInfo) -> str:
    shown = next((each.text for each in field.metadata if isinstance(each, Shown)), None)
    return shown or ("" if field.is_required() else _text(field.default, field))


def _text(value: Any, field: FieldInfo) -> str:
    """A value as people write it into the environment."""
    if value is None or value == () or value == "":
        return EMPTY
    if isinstance(value, SecretStr):
        return MASK
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    if isinstance(value, float):
        return _duration(value) if any(isinstance(each, _DURATION_MARKS) for each in field.metadata) else f"{value:g}"
    return str(value)


def _duration(seconds: float) -> str:
    for size, unit in _UNITS:
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def _fields_by_name() -> dict[str, dict[str, FieldInfo]]:
    """Each field of any kind, but KIND: by name, then by kind."""
    fields: dict[str, dict[str, FieldInfo]] = {}
    for kind, each in KINDS.items():
        for name, field in each.settings.model_fields.items():
            if name != "kind":
                fields.setdefault(name, {})[kind] = field
    return fields


def _variants(fields: Mapping[str, FieldInfo]) -> dict[tuple[str, str], list[str]]:
    variants: dict[tuple[str, str], list[str]] = {}
    for kind, field in fields.items():
        variants.setdefault((_marked(field), _meaning(field)), []).append(kind)
    return variants


def _named(name: str) -> str:
    return f"`{name}`, else `{STAND_INS[name]}`" if name in STAND_INS else f"`{name}`"


def _marked(field: FieldInfo) -> str:
    """A default in Markdown: words as they are, a value as code."""
    default = _default(field)
    words = default in ("", EMPTY) or any(isinstance(each, Shown) for each in field.metadata)
    return default if words else f"`{default}`"


def _markdown(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    cells = [head, ("---",) * len(head), *(tuple(cell.replace("|", "\\|") for cell in row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in cells)
