"""API addresses of outbound, below `api/v1/`."""

from __future__ import annotations

from django.urls import path

from outbound.api import messages, views


urlpatterns = [
    path("connections/", views.ConnectionList.as_view(), name="connection-list"),
    path("connections/<str:name>/", views.ConnectionDetail.as_view(), name="connection-detail"),
    path("connections/<str:name>/test/", views.ConnectionTestView.as_view(), name="connection-test"),
    path("outbound-messages/", messages.OutboundMessageList.as_view(), name="outbound-message-list"),
    path(
        "outbound-messages/<int:message_pk>/", messages.OutboundMessageDetail.as_view(), name="outbound-message-detail"
    ),
    path("outbound-messages/<int:message_pk>/resend/", messages.Resend.as_view(), name="outbound-message-resend"),
    path(
        "outbound-messages/<int:message_pk>/send-again/",
        messages.SendAgain.as_view(),
        name="outbound-message-send-again",
    ),
    path("outbound-messages/<int:message_pk>/cancel/", messages.Cancel.as_view(), name="outbound-message-cancel"),
    path("parameters/", views.ParameterList.as_view(), name="parameter-list"),
]
