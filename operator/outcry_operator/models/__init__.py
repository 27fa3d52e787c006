"""The custom resources, as pydantic models from which their definitions are generated."""
