"""API addresses of outbound, below `api/v1/`."""

from __future__ import annotations

from django.urls import path

from outbound.api import views


urlpatterns = [
    path("connections/", views.ConnectionList.as_view(), name="connection-list"),
    path("connections/<str:name>/", views.ConnectionDetail.as_view(), name="connection-detail"),
    path("connections/<str:name>/test/", views.ConnectionTestView.as_view(), name="connection-test"),
    path("parameters/", views.ParameterList.as_view(), name="parameter-list"),
]
