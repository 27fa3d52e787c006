"""End-to-end tests: what a person does with a cluster, and what must come of it."""
