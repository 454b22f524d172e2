"""The check for whole numbers."""

from glassbox.arguments import bad_type, bad_value


def expect_whole(name: str, value, at_least: int) -> None:
    """Refuse anything but a whole number that is `at_least` so large."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_type(name, "a whole number", value)
    if value < at_least:
        raise bad_value(name, f"a whole number >= {at_least}", value)
