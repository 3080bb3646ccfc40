"""Asks a gateway a GraphQL document of a chapter: `ask.py URL DOCUMENT VARIABLES`; KEY is the API key."""

import json
import os
import sys
from pathlib import Path

import httpx


def main(url: str, document: str, variables: str) -> None:
    """Exits with 1 where the answer is not what a chapter should show."""
    sent = {"query": Path(document).read_text(), "variables": json.loads(Path(variables).read_text())}
    headers = {"Authorization": f"Bearer {os.environ['KEY']}"}
    answer = httpx.post(f"{url}/graphql", json=sent, headers=headers, timeout=60, trust_env=False).json()
    made = (answer.get("data") or {}).get("makeCall", {"__typename": "CallRequested"})
    if "errors" in answer or made["__typename"] not in {"CallRequested", "CallTranslated"}:
        sys.exit(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
