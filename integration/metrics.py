"""`/metrics` for Prometheus, and who may read it."""

from __future__ import annotations

import hmac
import ipaddress

import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from foundation.api import problems
from foundation.client_address import client_address, is_loopback
from integration.metric_families import Figures


logger = structlog.get_logger(__name__)

_SCHEME = "bearer "


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """
    Answer with all figures in Prometheus' text format, 503 when the database does not answer.

    For METRICS_TOKEN as `Authorization: Bearer …`, or from an address in METRICS_NETWORKS; an account is not
    looked at. The figures say how much there is, never of whom.
    """
    if not (_from_known_network(request) or _shows_token(request)):
        return problems.problem_response(
            status_code=403, detail="Metrics are for METRICS_TOKEN over HTTPS and for METRICS_NETWORKS only."
        )
    registry = CollectorRegistry(auto_describe=False)
    try:
        registry.register(Figures(at=timezone.now()))
        body = generate_latest(registry)
    except (DatabaseError, InterfaceError):
        logger.warning("metrics_not_read", exc_info=True)
        return problems.problem_response(status_code=503, detail="The database does not answer.")
    return HttpResponse(body, content_type=CONTENT_TYPE_LATEST)


def _from_known_network(request: HttpRequest) -> bool:
    written = client_address(request)
    if written is None:
        return False
    address = ipaddress.ip_address(written)
    # A socket for both families writes 10.0.0.1 as ::ffff:10.0.0.1.
    mapped = getattr(address, "ipv4_mapped", None) or address
    return any(mapped in network for network in settings.METRICS_NETWORKS)


def _shows_token(request: HttpRequest) -> bool:
    shown = request.headers.get("Authorization", "")
    if not settings.METRICS_TOKEN or shown[: len(_SCHEME)].lower() != _SCHEME:
        return False
    if not (request.is_secure() or is_loopback(request) or settings.TRUST_PLAIN_HTTP):
        return False
    return hmac.compare_digest(shown[len(_SCHEME) :].strip().encode(), settings.METRICS_TOKEN.encode())
