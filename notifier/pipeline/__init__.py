"""The two loops: watch (observe, detect, route, commit) and deliver (claim, render, send, settle)."""
