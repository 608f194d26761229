"""The theme's settings: the title, the sidebar's groups and the command search of the admin."""

from __future__ import annotations

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from integration import setup_help
from integration.switches import dacs_side_is_on, may_reconcile


def _item(title: Any, icon: str, view: str, permission: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{view}"),
        "permission": lambda request: request.user.has_perm(permission),
    }


def _reports_item() -> dict[str, Any]:
    """Give the item of the reports, for whoever may see one of them."""

    def permitted(request: Any) -> bool:
        # Settings name the sidebar before any app is loaded.
        from integration.reports import catalogue

        return any(report.is_permitted(request.user) for report in catalogue.REPORTS)

    return {
        "title": _("Reports"),
        "icon": "monitoring",
        "link": reverse_lazy("admin:integration_reports"),
        "permission": permitted,
    }


def _program_item(title: Any, icon: str, model: str) -> dict[str, Any]:
    """Give an item of the DACS side, which a site that does not use it does not see."""
    item = _item(title, icon, f"assets_{model}_changelist", f"assets.view_{model}")
    permitted = item["permission"]
    return {**item, "permission": lambda request: permitted(request) and dacs_side_is_on(request)}


UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Tieline",
    "SITE_HEADER": "Tieline",
    "SITE_SYMBOL": "bolt",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("tieline/favicon.svg")},
    ],
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "integration.admin.home.context",
    "SIDEBAR": {
        "show_search": True,
        "show_all_applications": False,
        "navigation": [
            {
                "title": _("Work"),
                "items": [
                    _item(_("To Dos"), "checklist", "vee_todo_changelist", "vee.view_todo"),
                    _program_item(_("Program To Dos"), "fact_check", "assettodo"),
                    _item(_("Flow runs"), "swap_horiz", "integration_flowrun_changelist", "integration.view_flowrun"),
                    _item(_("Incidents"), "report", "integration_incident_changelist", "integration.view_incident"),
                    _item(
                        _("Outbound messages"),
                        "outbox",
                        "outbound_outboundmessage_changelist",
                        "outbound.view_outboundmessage",
                    ),
                    _reports_item(),
                ],
            },
            {
                "title": _("Exchange"),
                "collapsible": True,
                "items": [
                    _item(
                        _("Enrollment syncs"),
                        "sync_alt",
                        "integration_enrollmentsync_changelist",
                        "integration.view_enrollmentsync",
                    ),
                    _item(
                        _("Device status checks"),
                        "network_check",
                        "integration_devicestatuscheck_changelist",
                        "integration.view_devicestatuscheck",
                    ),
                    _item(_("Events"), "event", "integration_event_changelist", "integration.view_event"),
                    {
                        "title": _("Reconciliation"),
                        "icon": "balance",
                        "link": reverse_lazy("admin:integration_reconciliation"),
                        "permission": may_reconcile,
                    },
                    _item(
                        _("Cancellations"),
                        "event_busy",
                        "integration_cancellation_changelist",
                        "integration.view_cancellation",
                    ),
                    _item(
                        _("Event outcomes"), "fact_check", "integration_outcome_changelist", "integration.view_outcome"
                    ),
                    _item(
                        _("Message files"),
                        "description",
                        "integration_storedfile_changelist",
                        "integration.view_storedfile",
                    ),
                    _item(
                        _("Transferred files"),
                        "drive_file_move",
                        "integration_transferredfile_changelist",
                        "integration.view_transferredfile",
                    ),
                    _item(_("E-mails"), "mail", "outbound_mail_changelist", "outbound.view_mail"),
                ],
            },
            {
                "title": _("Programs"),
                "collapsible": True,
                "items": [
                    _program_item(_("Enrollments"), "how_to_reg", "enrollment"),
                    _program_item(_("Program subscriptions"), "loyalty", "programsubscription"),
                    _program_item(_("Controllable devices"), "thermostat", "controllabledevice"),
                    _program_item(_("Contacts"), "contacts", "contact"),
                    _program_item(_("Device locations"), "home_pin", "devicelocation"),
                    _program_item(_("Communications"), "forum", "communication"),
                    _program_item(_("Sync requests"), "sync_saved_locally", "syncrequest"),
                    _program_item(_("Program events"), "event_note", "programevent"),
                    _program_item(_("Participation"), "diversity_3", "participation"),
                    _program_item(_("Event performance"), "trending_down", "eventperformance"),
                    _program_item(_("Device scores"), "speed", "controlscore"),
                    _program_item(_("Batch runs"), "play_circle", "batchrun"),
                    _program_item(_("Program set-up"), "campaign", "program"),
                    _program_item(_("Score calculations"), "functions", "scorecalculation"),
                    _program_item(_("Baseline methods"), "show_chart", "baselinemethod"),
                    _program_item(_("Head-end systems"), "hub", "headendsystem"),
                    _program_item(_("Device specifications"), "memory", "devicespecification"),
                    _program_item(_("Activity types"), "bolt", "activitytype"),
                    _program_item(_("Communication types"), "chat", "communicationtype"),
                    _program_item(_("Service task types"), "assignment", "servicetasktype"),
                ],
            },
            {
                "title": _("Meter data"),
                "collapsible": True,
                "items": [
                    _item(
                        _("Initial measurements"),
                        "electric_meter",
                        "vee_initialmeasurement_changelist",
                        "vee.view_initialmeasurement",
                    ),
                    _item(_("Exceptions"), "error", "vee_veeexception_changelist", "vee.view_veeexception"),
                    _item(_("Reading files"), "upload_file", "vee_readingfile_changelist", "vee.view_readingfile"),
                    _item(
                        _("Measuring components"),
                        "speed",
                        "vee_measuringcomponent_changelist",
                        "vee.view_measuringcomponent",
                    ),
                    _item(
                        _("Register reads"),
                        "dialpad",
                        "vee_registermeasurement_changelist",
                        "vee.view_registermeasurement",
                    ),
                    _item(_("Service points"), "pin_drop", "vee_servicepoint_changelist", "vee.view_servicepoint"),
                    _item(
                        _("Usage transactions"),
                        "receipt_long",
                        "vee_usagetransaction_changelist",
                        "vee.view_usagetransaction",
                    ),
                    _item(
                        _("Usage subscriptions"),
                        "contract",
                        "vee_usagesubscription_changelist",
                        "vee.view_usagesubscription",
                    ),
                    _item(_("Installations"), "construction", "vee_installevent_changelist", "vee.view_installevent"),
                ],
            },
            {
                "title": _("Control"),
                "collapsible": True,
                "items": [
                    _item(_("Flows"), "account_tree", "integration_flow_changelist", "integration.view_flow"),
                    _item(_("Pauses"), "pause_circle", "integration_pause_changelist", "integration.view_pause"),
                    _item(
                        _("Flow schedules"),
                        "event_repeat",
                        "integration_flowschedule_changelist",
                        "integration.view_flowschedule",
                    ),
                    _item(
                        _("Flow statistics"),
                        "monitoring",
                        "integration_flowstatistics_changelist",
                        "integration.view_flowstatistics",
                    ),
                    _item(
                        _("Background tasks"),
                        "schedule",
                        "django_celery_beat_periodictask_changelist",
                        "django_celery_beat.view_periodictask",
                    ),
                    {
                        "title": _("Set-up help"),
                        "icon": "checklist_rtl",
                        "link": reverse_lazy("setup_help"),
                        "permission": lambda request: setup_help.may_see(request.user),
                    },
                    _item(_("Changes of configuration"), "history", "integration_audit", "integration.view_audit"),
                    _item(
                        _("Sealed audit trail"),
                        "encrypted",
                        "foundation_auditentry_changelist",
                        "integration.view_audit",
                    ),
                ],
            },
            {
                "title": _("Configuration"),
                "collapsible": True,
                "items": [
                    _item(_("Mappings"), "swap_calls", "integration_mappings", "integration.view_mappingoverlay"),
                    _item(_("Lookups"), "translate", "lookups_lookup_changelist", "lookups.view_lookup"),
                    _item(_("Connections"), "cable", "outbound_connection_changelist", "outbound.view_connection"),
                    _item(
                        _("Certificates"),
                        "verified_user",
                        "outbound_certificate_changelist",
                        "outbound.view_certificate",
                    ),
                    _item(
                        _("External systems"),
                        "dns",
                        "outbound_externalsystem_changelist",
                        "outbound.view_externalsystem",
                    ),
                    _item(
                        _("Message types"),
                        "sell",
                        "outbound_outboundmessagetype_changelist",
                        "outbound.view_outboundmessagetype",
                    ),
                    _item(
                        _("Message senders"), "send", "outbound_messagesender_changelist", "outbound.view_messagesender"
                    ),
                    _item(_("Parameters"), "tune", "outbound_parameter_changelist", "outbound.view_parameter"),
                    _item(_("VEE groups"), "rule", "vee_veegroup_changelist", "vee.view_veegroup"),
                    _item(_("Rule trials"), "science", "vee_ruletrial_changelist", "vee.view_ruletrial"),
                    _item(_("Factors"), "alt_route", "vee_factor_changelist", "vee.view_factor"),
                    _item(
                        _("Exception types"),
                        "label_important",
                        "vee_veeexceptiontype_changelist",
                        "vee.view_veeexceptiontype",
                    ),
                    _item(_("Retry policies"), "replay", "vee_veeretrypolicy_changelist", "vee.view_veeretrypolicy"),
                    _item(_("Holidays"), "celebration", "vee_holiday_changelist", "vee.view_holiday"),
                    _item(
                        _("Measuring component types"),
                        "category",
                        "vee_measuringcomponenttype_changelist",
                        "vee.view_measuringcomponenttype",
                    ),
                    _item(
                        _("Column profiles"), "view_column", "vee_columnprofile_changelist", "vee.view_columnprofile"
                    ),
                    _item(
                        _("Configuration document"),
                        "file_open",
                        "integration_configuration",
                        "integration.export_configuration",
                    ),
                    _item(_("Users"), "person", "auth_user_changelist", "auth.view_user"),
                    _item(_("Roles"), "groups", "auth_group_changelist", "auth.view_group"),
                    _item(
                        _("Login failures"),
                        "lock_person",
                        "axes_accessattempt_changelist",
                        "axes.view_accessattempt",
                    ),
                ],
            },
        ],
    },
}
