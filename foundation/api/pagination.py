"""Lists in pages: `{"count", "next", "previous", "results"}` in a stable order (`api.md`)."""

from __future__ import annotations

from rest_framework.pagination import PageNumberPagination


class Pages(PageNumberPagination):
    """`page` and `page_size`, at most 1,000 rows a page."""

    page_size = 100
    page_size_query_param = "page_size"
    max_page_size = 1_000
