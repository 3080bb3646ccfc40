"""The GraphQL door: `/graphql` over HTTP, on the same use case, catalogue and table as the REST door."""

from gateway.doors.graphql.door import REJECTED_REASONS, GraphqlDoor
from gateway.doors.graphql.schema import sdl

__all__ = ["REJECTED_REASONS", "GraphqlDoor", "sdl"]
