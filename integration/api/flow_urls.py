"""
The two trees that flows are served in (`api.md` 5): the guide's own addresses and the short ones.

Available flows stand under their literal addresses, so that the schema names them; everything else of the two trees
(codes with hyphen and underscore folded, other cases, short names, the family `rest`, flows of later versions) goes
through the two patterns at the end. Without trailing slash; an empty last segment is one that is not there.
"""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from integration.api import flows
from integration.flows import registry


_IDENTIFIER = r"(?P<identifier>[A-Za-z0-9_-]+)"
_URI = r"(?P<uri>[A-Za-z0-9_-]+)"


def _literal() -> list[URLPattern]:
    patterns = []
    for declaration in registry.DECLARATIONS:
        if not declaration.available:
            continue
        view = flows.CALLS.get(declaration.name, flows.SiteFlow)
        for uri in declaration.uris:
            call = view.as_view(identifier=declaration.identifier, uri=uri)
            last = f"/{uri}" if uri else ""
            patterns += [
                path(f"ic/api/integration/v1/flows/oracleutilities/{declaration.identifier}/1.0{last}", call),
                path(f"api/v1/flows/{declaration.identifier}{last}", call),
            ]
    return patterns


urlpatterns = [
    *_literal(),
    re_path(
        rf"^ic/api/integration/v1/flows/(?P<family>oracleutilities|rest)/{_IDENTIFIER}/1\.0(?:/{_URI})?$",
        flows.AnyFlow.as_view(),
        name="flow-guide",
    ),
    re_path(rf"^api/v1/flows/{_IDENTIFIER}(?:/{_URI})?$", flows.AnyFlow.as_view(), name="flow-short"),
]
