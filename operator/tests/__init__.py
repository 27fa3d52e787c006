"""A package: else pytest would import the folder `operator` over Python's own module of that name."""
