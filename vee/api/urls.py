"""Addresses below `/api/v1/`."""

from __future__ import annotations

from django.urls import path

from vee.api import (
    column_profiles,
    exports,
    imds,
    master_data,
    measurements,
    reading_files,
    resources,
    usage,
    work,
)


urlpatterns = [
    path("master-data/", master_data.MasterData.as_view()),
    path("imds/", imds.Imds.as_view()),
    path("imds/<int:pk>/", imds.Imd.as_view()),
    path("imds/<int:pk>/perform-vee/", imds.PerformVee.as_view()),
    path("imds/<int:pk>/discard/", imds.Discard.as_view()),
    path("imds/<int:pk>/force-complete/", imds.ForceComplete.as_view()),
    path("imds/<int:pk>/edit/", imds.Edit.as_view()),
    path("imds/<int:pk>/repair/", imds.Repair.as_view()),
    path("vee-exceptions/", work.VeeExceptions.as_view()),
    path("todos/", work.ToDos.as_view()),
    path("todos/<int:pk>/", work.ToDoDetail.as_view()),
    path("todos/<int:pk>/claim/", work.Claim.as_view()),
    path("todos/<int:pk>/release/", work.Release.as_view()),
    path("todos/<int:pk>/assign/", work.Assign.as_view()),
    path("measurements/", measurements.Measurements.as_view()),
    path("measurements/export/", exports.MeasurementExport.as_view()),
    path("reading-files/", reading_files.ReadingFiles.as_view()),
    path("reading-files/<uuid:pk>/", reading_files.ReadingFile.as_view()),
    path("usage-transactions/", usage.UsageTransactions.as_view()),
    path("usage-transactions/<str:identifier>/", usage.UsageTransaction.as_view()),
    path("usage-transactions/<str:identifier>/calculate/", usage.Calculate.as_view()),
    path("usage-transactions/<str:identifier>/send/", usage.Send.as_view()),
    path("usage-transactions/<str:identifier>/discard/", usage.Discard.as_view()),
    path("column-profiles/", column_profiles.ColumnProfiles.as_view()),
    path("column-profiles/<str:code>/", column_profiles.ColumnProfile.as_view()),
    path("service-points/", resources.ServicePoints.as_view()),
    path("service-points/<str:identifier>/", resources.ServicePoint.as_view()),
    path("devices/", resources.Devices.as_view()),
    path("devices/<str:identifier>/", resources.Device.as_view()),
    path("measuring-component-types/", resources.MeasuringComponentTypes.as_view()),
    path("measuring-component-types/<str:identifier>/", resources.MeasuringComponentType.as_view()),
    path("measuring-components/", resources.MeasuringComponents.as_view()),
    path("measuring-components/<str:identifier>/", resources.MeasuringComponent.as_view()),
    path("usage-subscriptions/", resources.UsageSubscriptions.as_view()),
    path("usage-subscriptions/<str:identifier>/", resources.UsageSubscription.as_view()),
]
