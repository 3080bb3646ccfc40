"""Numbers of the legacy API's answers, which are codes and not amounts."""


class Literal(str):
    """A JSON number as it was written, so that `1234567890.123456` never becomes a float."""

    __slots__ = ()


__all__ = ["Literal"]
