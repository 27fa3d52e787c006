"""The services of Outcry."""
