"""Decide what goes to a destination now, and what an answer changes. Pure: the clock and the dice are arguments."""
