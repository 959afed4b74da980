"""Who may read the metrics. Closed unless opened: without a token and without a network, nobody."""

import hmac
import ipaddress
from typing import Final

from django.conf import settings

REFUSAL: Final = "METRICS_TOKEN or METRICS_ALLOWED_NETWORKS says who may read this.\n"


def may_read(*, authorization: str, address: str) -> bool:
    """Decide by the header `Authorization` and the address of the peer, which behind a proxy is the proxy's."""
    return _has_token(authorization) or _is_in_a_network(address)


def _has_token(authorization: str) -> bool:
    wanted = f"Bearer {settings.METRICS_TOKEN}"
    given = authorization.encode(errors="replace")
    return bool(settings.METRICS_TOKEN) and hmac.compare_digest(given, wanted.encode())


def _is_in_a_network(address: str) -> bool:
    try:
        peer = ipaddress.ip_address(address)
    except ValueError:  # a Unix socket has none
        return False
    return any(
        peer in ipaddress.ip_network(network, strict=False) for network in settings.METRICS_ALLOWED_NETWORKS
    )
