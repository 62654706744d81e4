"""What is told of work that nobody waits for any more."""


def nobody_waits() -> None:
    """Its run isn't here."""
