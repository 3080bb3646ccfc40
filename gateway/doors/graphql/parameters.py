"""The request's parameters: query, operationName, variables; from a JSON body or a URL's query.

Source: the GraphQL-over-HTTP draft, "Request Parameters". Batches are refused.
"""

from typing import Final
from urllib.parse import parse_qsl

from gateway.doors.json_body import BadJson, decode, decode_text
from gateway.values import value_class

_MAX_URL_FIELDS: Final = 16


class BadParameters(ValueError):  # noqa: N818 - names the fault, as the catalogue's codes do
    """The request can't be read as one GraphQL request. `reason` is the metric's word."""

    def __init__(self, reason: str, detail: str) -> None:
        """`detail` is one sentence for the client and quotes nothing of the request."""
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


@value_class(frozen=True, slots=True)
class Parameters:
    """One GraphQL request, not yet parsed."""

    query: str
    operation_name: str | None
    variables: dict[str, object]


def from_body(body: bytes) -> Parameters:
    """The parameters of a POST; raises BadParameters."""
    try:
        tree = decode(body)
    except BadJson as fault:
        raise BadParameters("json", fault.detail) from None
    if isinstance(tree, list):
        raise BadParameters("batch", "One request holds one operation; a list of them is not taken.")
    if not isinstance(tree, dict):
        raise BadParameters("parameters", "The body must be a JSON object with `query`.")
    return _checked(tree)


def from_url(query: bytes) -> Parameters:
    """The parameters of a GET; raises BadParameters."""
    try:
        pairs = parse_qsl(
            query.decode("utf-8"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_URL_FIELDS
        )
    except ValueError:
        detail = "The URL's query must be UTF-8 with few parameters: query, operationName, variables."
        raise BadParameters("parameters", detail) from None
    tree: dict[str, object] = {}
    for name, value in pairs:
        if name in tree:
            raise BadParameters("parameters", "A parameter of the URL comes twice.")
        tree[name] = value
    for name in ("operationName", "variables", "extensions"):
        if tree.get(name) == "":
            del tree[name]
    for name in ("variables", "extensions"):
        if name in tree:
            try:
                tree[name] = decode_text(str(tree[name]))
            except BadJson as fault:
                raise BadParameters("json", f"`{name}`: {fault.detail}") from None
    return _checked(tree)


def _checked(tree: dict[str, object]) -> Parameters:
    query, name = tree.get("query"), tree.get("operationName")
    variables, extensions = tree.get("variables"), tree.get("extensions")
    if query is None and isinstance(extensions, dict) and "persistedQuery" in extensions:
        # What Apollo's and urql's clients wait for, to send the whole document and no more hashes.
        raise BadParameters("parameters", "PersistedQueryNotSupported")
    if not isinstance(query, str):
        raise BadParameters("parameters", "`query` must be a string that holds a GraphQL document.")
    if name is not None and not isinstance(name, str):
        raise BadParameters("parameters", "`operationName` must be a string or null.")
    if variables is not None and not isinstance(variables, dict):
        raise BadParameters("parameters", "`variables` must be an object or null.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadParameters("parameters", "`extensions` must be an object or null.")
    return Parameters(query, name, variables or {})
