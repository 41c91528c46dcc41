"""The service under fire for minutes, and what it told held against what happened: `make soak`."""
