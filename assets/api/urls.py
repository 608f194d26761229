"""Addresses below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from assets.api import performance, programs


urlpatterns = [
    path("contacts/", programs.Contacts.as_view()),
    path("controllable-devices/", programs.ControllableDevices.as_view()),
    path("program-subscriptions/", programs.ProgramSubscriptions.as_view()),
    path("enrollments/", programs.Enrollments.as_view()),
    path("event-performance/", performance.EventPerformances.as_view()),
]
