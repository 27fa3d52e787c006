"""Thin clients: each speaks to one server and turns its failures into this package's errors."""
