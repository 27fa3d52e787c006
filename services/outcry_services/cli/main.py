"""Entry point of `outcry`."""


def main() -> None:
    """Run the command."""
