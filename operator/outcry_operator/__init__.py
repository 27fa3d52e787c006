"""The kopf operator of Outcry."""
