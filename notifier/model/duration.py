"""Durations as people write them: `30`, `30s`, `5m`, `2h`, `1d`."""

import re

_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")


def parse_duration(text: str) -> float:
    """Seconds. Raises ValueError with a text that says what is understood."""
    match = _DURATION.fullmatch(text.strip())
    if match is None and _DURATION.fullmatch(text.strip().removeprefix("-")):
        raise ValueError("must not be negative: write seconds, or 30s, 5m, 2h, 1d")
    if match is None:
        raise ValueError("not a duration: write seconds, or 30s, 5m, 2h, 1d")
    return float(match[1]) * _UNITS[match[2]]
