"""Addresses of the lookups, without the prefix of the API's version."""

from __future__ import annotations

from django.urls import path

from lookups.api import views


urlpatterns = [
    path("lookups/", views.Lookups.as_view(), name="lookup-list"),
    path("lookups/<str:name>/", views.LookupDetail.as_view(), name="lookup-detail"),
    path("lookups/<str:name>/translate", views.Translate.as_view(), name="lookup-translate"),
    path("lookups/<str:name>/translate/", views.TranslateWithSlash.as_view()),
    path("lookups/<str:name>/versions/", views.Versions.as_view(), name="lookup-versions"),
]
