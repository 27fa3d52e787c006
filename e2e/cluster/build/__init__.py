"""Servers built from package registries, kept in the cache by name, version and recipe."""
