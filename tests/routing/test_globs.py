"""Whether two globs can match the same name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notifier.model.globs import covers, matches, may_meet

names = st.text("ab-", min_size=1, max_size=8)


@st.composite
def globs_of(draw: st.DrawFn, name: str) -> str:
    """A glob that matches this name."""
    written = ""
    for sign in name:
        written += draw(st.sampled_from([sign, sign.upper(), "?", "*", f"[{sign}]", f"*{sign}", f"{sign}*"]))
    return written


@given(st.data(), names)
def test_globs_of_one_name_may_meet(data: st.DataObject, name: str) -> None:
    one, other = data.draw(globs_of(name)), data.draw(globs_of(name))

    assert matches(name, (one,)) and matches(name, (other,))
    assert may_meet(one, other) and may_meet(other, one)


@given(names, st.text("ab-*?", min_size=1, max_size=6))
def test_of_a_name_and_a_glob_it_says_whether_they_match(name: str, glob: str) -> None:
    assert may_meet(name, glob) is may_meet(glob, name) is matches(name, (glob,))


@given(st.text("ab-*?", min_size=1, max_size=4), st.text("ab-*?", min_size=1, max_size=6), names)
def test_what_is_covered_is_matched(one: str, other: str, name: str) -> None:
    assert not (covers(one, other) and matches(name, (other,))) or matches(name, (one,))


@pytest.mark.parametrize(
    ("one", "other", "may"),
    [
        pytest.param("xgb-*", "bert-*", False, id="other-beginnings"),
        pytest.param("*-a", "*-b", False, id="other-ends"),
        pytest.param("*-test", "xgb-*", True, id="a-beginning-and-an-end"),
        pytest.param("a?c", "ab", False, id="too-short"),
        pytest.param("*", "", True, id="a-star-takes-nothing"),
    ],
)
def test_whether_they_may_meet(one: str, other: str, may: bool) -> None:
    assert may_meet(one, other) is may_meet(other, one) is may
