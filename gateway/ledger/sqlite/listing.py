"""Pages of records, newest first."""

import apsw

from gateway.call import Status
from gateway.ledger import Page
from gateway.ledger.sqlite.cursor import write_cursor
from gateway.ledger.sqlite.rows import select_rows
from gateway.ledger.sqlite.schema import IN_PROGRESS


def listed(
    connection: apsw.Connection,
    tenant: str | None,
    status: Status | None,
    limit: int,
    before: int | None,
    since_us: int | None,
    now_us: int,
) -> Page:
    """At most `limit` records older than row `before`, admitted at or after `since_us`."""
    terms = ["(expires_at_us IS NULL OR expires_at_us > ?)"]
    values: list[str | int] = [now_us]
    for term, value in (("tenant = ?", tenant), ("seq < ?", before), ("requested_at_us >= ?", since_us)):
        if value is not None:
            terms.append(term)
            values.append(value)
    if status is not None:
        # Literal, so that SQLite sees that the partial index of the exceptions will do.
        terms.append(IN_PROGRESS if status is Status.IN_PROGRESS else f"status = '{status.value}'")
    condition = " AND ".join(terms) + " ORDER BY seq DESC LIMIT ?"
    rows = select_rows(connection, condition, (*values, limit + 1))
    has_more = len(rows) > limit
    page = rows[:limit]
    cursors = tuple(write_cursor(row.seq) for row in page)
    return Page(tuple(row.record for row in page), cursors[-1] if has_more else None, cursors)


__all__ = ["listed"]
