"""Container images without a registry or Docker: layers as tars, written into an OCI archive."""
