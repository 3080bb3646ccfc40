"""TLS towards the upstream."""

import ssl


def client_ssl_context(authorities: str | None) -> ssl.SSLContext:
    """TLS 1.2 or later, certificate and host name checked against the system's CAs, or only `authorities`.

    These are a PEM file's text, in ASCII. Raises ssl.SSLError or ValueError where it holds no certificate.
    """
    if authorities is not None and not authorities:
        raise ValueError("no certificate")  # `ssl` would take the system's
    context = ssl.create_default_context(cadata=authorities)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context
