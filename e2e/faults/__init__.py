"""Faults, injected while orders flow, and what they cost: time to the next new event, and nothing else.

`python -m e2e.faults run` runs the campaign; `python -m e2e.faults list` says what there is.
"""
