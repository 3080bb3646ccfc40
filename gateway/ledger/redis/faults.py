"""What can go wrong between a verb and the store.

NotSent      nothing left: it did not happen
Unanswered   it left, and no reply came: it may have happened
Doubtful     the verb's own word for that: a StoreUnavailable after which an admission must be undone
"""

from gateway.ledger import StoreUnavailable


class NotSent(Exception):  # noqa: N818
    """The command did not leave: nothing can have happened. `kind` is the metric's label."""

    def __init__(self, kind: str, detail: str) -> None:
        """`detail` tells an operator what to mend."""
        super().__init__(detail)
        self.kind = kind


class Unanswered(Exception):  # noqa: N818
    """The command was written and no reply came: it may have happened."""

    def __init__(self, kind: str, detail: str) -> None:
        """`kind` is the metric's label."""
        super().__init__(detail)
        self.kind = kind


class Doubtful(StoreUnavailable):
    """No answer, or one that does not say: the step may have happened."""


def listed(reply: object) -> list[object]:
    """A reply that is an array. Raises Doubtful for any other."""
    if isinstance(reply, list):
        return reply
    raise _strange(reply)


def text(reply: object) -> bytes:
    """A reply that is a string. Raises Doubtful for any other."""
    if isinstance(reply, bytes):
        return reply
    raise _strange(reply)


def number(reply: object) -> int:
    """A reply that is an integer. Raises Doubtful for any other."""
    if isinstance(reply, int):
        return reply
    raise _strange(reply)


def _strange(reply: object) -> Doubtful:
    return Doubtful("protocol", f"the store answered with a {type(reply).__name__} where none is due")


__all__ = ["Doubtful", "NotSent", "Unanswered", "listed", "number", "text"]
