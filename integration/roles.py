"""
The roles that are shipped, as Django groups with the rights they need (`house.md` 5).

A role always has at least what stands here; what a site adds to one stays. For less, make a role of your own.
Each right is named: one that no app defines is an error in `setup`, never passed over.
"""

from __future__ import annotations

from collections.abc import Mapping


INTEGRATION_ADMINISTRATOR = "Integration administrator"
INTEGRATION_OPERATOR = "Integration operator"
VEE_ANALYST = "VEE analyst"
VEE_SUPERVISOR = "VEE supervisor"
PROGRAM_OPERATOR = "Program operator"
AUDITOR = "Auditor"
PEER_SYSTEM = "Peer system"


def _rights(app: str, verbs: str, models: str) -> frozenset[str]:
    return frozenset(f"{app}.{verb}_{model}" for verb in verbs.split() for model in models.split())


_READ_MESSAGES = (
    _rights(
        "integration",
        "view",
        "flow flowrun runtransition runidentifier runstep payload incident"
        " enrollmentrecord enrollmentsync devicestatuscheck event reservation storedfile fileattempt segment"
        " outcome cancellation",
    )
    | _rights("outbound", "view", "connection connectionhealth mail mailattempt mailattachment parameter")
    | _rights("integration", "view", "transferredfile transferredfileevent")
    | _rights("integration", "view", "pause flowschedule scheduleslot flowstatistics zoneheartbeat")
    | _rights("integration", "view", "mappingoverlay mappingoverlayfield unmappedelement unmappedcode")
    | _rights("outbound", "view", "certificate")
    | _rights("lookups", "view", "lookup lookupalias lookuprow lookupversion")
)
_READ_MESSAGES |= _rights(
    "outbound",
    "view",
    "externalsystem messagesender sendercontext outboundmessagetype outboundmessage deliveryattempt"
    " messageintervention",
)
_READ_METER_DATA = _rights(
    "vee",
    "view",
    "servicepoint device measuringcomponenttype measuringcomponent outage columnprofile readingfile readingfileerror"
    " initialmeasurement imdpayload imdpostvee imdtransition imdedit veeexceptiontype veegroup veerule veeexception"
    " todotype todo measurementblock measurementblockhistory registermeasurement registermeasurementhistory"
    " usagesubscription usagetransaction usagetransactiontotal usagetransactiontransition usagecorrection ruletrial"
    " installevent offperiod holiday factor factorvalue veeretrypolicy valuederivation measuringcomponentprogress"
    " registermark directload daycompleteness",
)
_PROGRAM_CONFIGURATION = (
    "program activitytype communicationtype servicetasktype headendsystem processingmethod devicespecification"
    " baselinemethod"
)
_CUSTOMERS = "contact devicelocation controllabledevice programsubscription subscriptiondevice"
_READ_PROGRAMS = _rights(
    "assets",
    "view",
    f"{_PROGRAM_CONFIGURATION} {_CUSTOMERS} enrollment devicesetup communication programevent participation"
    " statuschange assettodo batchrun syncrequest syncchange baselinemethod eventperformance"
    " scorecalculation scorecalculationversion controlscore",
)
_WORK_ON_PROGRAMS = frozenset(
    {
        "assets.retry_enrollment",
        "assets.cancel_enrollment",
        "assets.add_communication",
        "assets.change_assettodo",
        "assets.run_batch",
        "assets.calculate_performance",
        "assets.retry_syncrequest",
        "assets.cancel_syncrequest",
    }
)
_SCHEDULE_REPORTS = _rights("integration", "add change delete view", "reportschedule") | frozenset(
    {"integration.view_reportdelivery", "integration.send_report"}
)
_READ_REPORT_SCHEDULES = _rights("integration", "view", "reportschedule reportdelivery")
_READ_SCHEDULES = _rights("django_celery_beat", "view", "periodictask intervalschedule crontabschedule")
_OPERATE_MESSAGES = frozenset(
    {
        "integration.resubmit_flowrun",
        "integration.replay_flowrun",
        "integration.discard_flowrun",
        "integration.abort_flowrun",
        "integration.close_incident",
        "integration.pause_flow",
        "integration.run_schedule",
        "integration.requeue_transferredfile",
        "outbound.test_connection",
        "outbound.resend_mail",
        "outbound.resend_outboundmessage",
        "outbound.cancel_outboundmessage",
    }
)
_CONFIGURATION_DOCUMENTS = frozenset({"integration.export_configuration", "integration.apply_configuration"})
_WORK_ON_METER_DATA = frozenset(
    {
        "vee.perform_vee",
        "vee.discard_imd",
        "vee.force_complete_imd",
        "vee.edit_imd",
        "vee.mark_register_measurement",
        "vee.change_todo",
        "vee.add_readingfile",
        "vee.add_ruletrial",
        "vee.calculate_usage",
        "vee.send_usage",
        "vee.discard_usage",
    }
)

SHIPPED: Mapping[str, frozenset[str]] = {
    INTEGRATION_ADMINISTRATOR: (
        _READ_MESSAGES
        | _READ_SCHEDULES
        | _OPERATE_MESSAGES
        | _SCHEDULE_REPORTS
        | _rights("lookups", "add change delete", "lookup lookupalias lookuprow")
        | _rights("outbound", "add change delete", "connection parameter")
        | _rights("outbound", "add change delete", "externalsystem messagesender sendercontext outboundmessagetype")
        | frozenset({"outbound.add_outboundmessage"})
        | _rights("integration", "add change delete", "flowschedule")
        | _rights("outbound", "add change delete", "certificate")
        | _rights("django_celery_beat", "add change", "periodictask intervalschedule crontabschedule")
        | frozenset(
            {
                "integration.change_mappingoverlay",
                "integration.activate_mappingoverlay",
                "integration.change_flow",
                "integration.view_audit",
                "integration.activate_flow",
                "integration.call_flow",
            }
        )
        # Of a document only the sections whose records the role may change.
        | _CONFIGURATION_DOCUMENTS
        | frozenset({"integration.view_appliedconfiguration"})
        # Payloads carry personal data: everybody else reads them masked.
        | frozenset({"integration.view_payload_unmasked"})
    ),
    INTEGRATION_OPERATOR: _READ_MESSAGES | _READ_SCHEDULES | _OPERATE_MESSAGES | _READ_REPORT_SCHEDULES,
    VEE_ANALYST: _READ_METER_DATA | _WORK_ON_METER_DATA | _READ_REPORT_SCHEDULES,
    VEE_SUPERVISOR: (
        _READ_METER_DATA
        | _WORK_ON_METER_DATA
        | _SCHEDULE_REPORTS
        | _rights("vee", "add change delete", "veegroup veerule veeexceptiontype todotype veeretrypolicy columnprofile")
        | _rights("vee", "add change delete", "factor factorvalue holiday valuederivation")
        | _rights("vee", "add change", "servicepoint device measuringcomponenttype measuringcomponent outage")
        | _rights("vee", "add change", "installevent offperiod")
        | _rights("vee", "add change", "usagesubscription usagetransaction")
        | frozenset({"vee.assign_todo", "vee.add_initialmeasurement", "vee.promote_ruletrial"})
        | _CONFIGURATION_DOCUMENTS
    ),
    # The business user of the DACS side; sees what passes between it and the DERMS.
    PROGRAM_OPERATOR: (
        _READ_MESSAGES
        | _READ_PROGRAMS
        | _WORK_ON_PROGRAMS
        | _SCHEDULE_REPORTS
        | _rights("vee", "view", "servicepoint device installevent usagesubscription measuringcomponent")
        | _rights("assets", "add change", f"{_PROGRAM_CONFIGURATION} {_CUSTOMERS}")
        | _rights("assets", "add change", "scorecalculation")
        | frozenset({"assets.add_scorecalculationversion"})
    ),
    AUDITOR: _READ_MESSAGES
    | _READ_PROGRAMS
    | _READ_METER_DATA
    | _READ_SCHEDULES
    | _READ_REPORT_SCHEDULES
    | frozenset({"auth.view_user", "auth.view_group", "integration.view_audit"})
    | frozenset({"integration.export_configuration", "integration.view_appliedconfiguration"}),
    # A peer sends messages to flows, or as the hub to the DACS side, and sees what became of its own.
    PEER_SYSTEM: frozenset({"integration.call_flow", "integration.view_own_flowrun", "assets.use_service"}),
}
"""Role to rights."""
