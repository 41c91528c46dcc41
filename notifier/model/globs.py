"""Names and globs, as `NOTIFIER_JOBS` and filters write them. SageMaker's names have no case."""

import re
from fnmatch import translate
from functools import lru_cache

EVERY = ("*",)
"""The globs that match whatever there is."""


def matches(name: str, globs: tuple[str, ...]) -> bool:
    """Whether one of the globs at least matches the whole name."""
    return bool(globs) and _pattern(globs).match(name.lower()) is not None


def may_meet(one: str, other: str) -> bool:
    """Whether some name may match both globs. Where brackets are concerned, yes is the answer that harms nobody."""
    mine, theirs = _signs(one), _signs(other)
    # Which beginnings of the one can match what beginnings of the other do: row by row, as one compares two texts.
    row = [set(theirs[:place]) <= {"*"} for place in range(len(theirs) + 1)]
    for sign in mine:
        before, row = row, [row[0] and sign == "*"]
        for place, their in enumerate(theirs):
            if "*" in (sign, their):
                # The star takes nothing, or the other's sign, be it a star too.
                row.append(before[place + 1] or row[place])
            else:
                row.append(before[place] and (sign == their or "?" in (sign, their)))
    return row[-1]


def covers(one: str, other: str) -> bool:
    """Whether whatever the other glob matches, this one does too. Where that is hard to say: no."""
    one, other = one.lower(), other.lower()
    if one == other or not any(sign in other for sign in "*?["):
        return one == other or matches(other, (one,))
    beginning = one.removesuffix("*")
    return beginning != one and not any(sign in beginning for sign in "*?[") and other.startswith(beginning)


def _signs(glob: str) -> list[str]:
    """A glob, sign by sign; what stands in brackets counts as any sign."""
    return list(re.sub(r"\[!?\]?[^\]]*\]", "?", glob.lower()))


# A sweep asks for each of thousands of rows, always with the few globs of the settings.
@lru_cache(maxsize=256)
def _pattern(globs: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(translate(each.lower()) for each in globs))
