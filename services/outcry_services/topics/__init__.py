"""The topics that no pair owns: a job makes them before any service starts, which else would find none."""
