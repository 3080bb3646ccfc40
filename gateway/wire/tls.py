"""TLS towards the upstream."""

import ssl
from pathlib import Path


def client_ssl_context(ca_file: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name checked against the system's CAs, or only `ca_file`'s.

    Raises OSError or ssl.SSLError where the file can't be read or holds no certificate.
    """
    context = ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
