"""Clusters, backends, end-to-end tests, faults and load: everything that runs Outcry for real."""
