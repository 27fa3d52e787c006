"""Clusters to run Outcry on: the providers `local`, `kind` and `current`, and what is above them."""
