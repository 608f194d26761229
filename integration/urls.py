"""Every address of the product; each app brings its own API addresses."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path, re_path
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from integration import documentation, health, metrics
from integration.admin import home, setup_page
from integration.admin.preferences import PreferencesPage
from integration.admin.second_factor import SecondFactorPage
from integration.api import flow_urls


staticfiles_url = lazy(static, str)
admin.site.index_title = _("Home")

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index"), name="home"),
    path("favicon.ico", RedirectView.as_view(url=staticfiles_url("tieline/favicon.svg"))),
    path("admin", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/second-factor/", SecondFactorPage.as_view(), name="second_factor"),
    path("admin/home/", admin.site.admin_view(home.fragment), name="home_fragment"),
    path("admin/home/seen/", admin.site.admin_view(home.seen), name="home_seen"),
    path("admin/set-up/", admin.site.admin_view(setup_page.page), name="setup_help"),
    path("admin/preferences/", PreferencesPage.as_view(), name="preferences"),
    path("admin/", admin.site.urls),
    path("docs/", documentation.documentation, name="documentation-home"),
    path("docs/<path:page>", documentation.documentation, name="documentation"),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("api/v1/", include("lookups.api.urls")),
    path("api/v1/", include("outbound.api.urls")),
    path("api/v1/", include("vee.api.urls")),
    path("api/v1/", include("assets.api.urls")),
    path("api/v1/", include("integration.api.urls")),
    path("dacs/", include("assets.service.urls")),
    *flow_urls.urlpatterns,
    re_path(r"^health/live/?$", health.live, name="health-live"),
    re_path(r"^health/ready/?$", health.ready, name="health-ready"),
    re_path(r"^metrics/?$", metrics.metrics, name="metrics"),
]

handler400 = "foundation.api.handlers.bad_request"
handler403 = "foundation.api.handlers.permission_denied"
handler404 = "foundation.api.handlers.not_found"
handler500 = "foundation.api.handlers.server_error"
