"""What SREs see: objectives, rules and dashboards as code, and what is generated from them.

`python -m observability.generate` writes every generated file anew; with `--check` it says which
are stale. Nothing here is imported by the gateway.
"""
