"""Decide what changed, what is stale and what to look at next. Pure: the clock is an argument."""
