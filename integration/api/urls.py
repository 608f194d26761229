"""Addresses of tracking and of the flows' switches, below `api/v1/`."""

from __future__ import annotations

from django.urls import path

from integration.api import activation, configuration, control, mappings, runs, transferred_files


urlpatterns = [
    path("configuration/", configuration.Configuration.as_view(), name="configuration"),
    path("flow-runs/", runs.FlowRunList.as_view(), name="flow-runs"),
    path("flow-runs/bulk/", runs.BulkAction.as_view(), name="flow-runs-bulk"),
    path("flow-runs/<uuid:run_id>/", runs.FlowRunDetail.as_view(), name="flow-run"),
    path("flow-runs/<uuid:run_id>/resubmit/", runs.Resubmit.as_view(), name="flow-run-resubmit"),
    path("flow-runs/<uuid:run_id>/replay/", runs.Replay.as_view(), name="flow-run-replay"),
    path("flow-runs/<uuid:run_id>/abort/", runs.Abort.as_view(), name="flow-run-abort"),
    path("flow-runs/<uuid:run_id>/discard/", runs.Discard.as_view(), name="flow-run-discard"),
    path("flow-runs/<uuid:run_id>/restore/", runs.Restore.as_view(), name="flow-run-restore"),
    path("flow-statistics/", control.StatisticsList.as_view(), name="flow-statistics"),
    path("mappings/", mappings.MappingList.as_view(), name="mappings"),
    path("mapping-overlays/", mappings.OverlayList.as_view(), name="mapping-overlays"),
    path("pauses/", control.PauseList.as_view(), name="pauses"),
    path("pauses/<int:pause_id>/resume/", control.Resume.as_view(), name="pause-resume"),
    path("zones/", control.ZoneList.as_view(), name="zones"),
    path("flows/", activation.FlowList.as_view(), name="flows"),
    path("flows/<str:identifier>/activate/", activation.Activate.as_view(), name="flow-activate"),
    path("flows/<str:identifier>/deactivate/", activation.Deactivate.as_view(), name="flow-deactivate"),
    path("transferred-files/", transferred_files.TransferredFileList.as_view(), name="transferred-files"),
    path(
        "transferred-files/<int:file_id>/", transferred_files.TransferredFileDetail.as_view(), name="transferred-file"
    ),
    path(
        "transferred-files/<int:file_id>/requeue/",
        transferred_files.Requeue.as_view(),
        name="transferred-file-requeue",
    ),
]
