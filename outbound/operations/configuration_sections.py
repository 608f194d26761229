"""The sections of the configuration document that outbound has."""

from __future__ import annotations

from foundation.configuration import Section
from outbound.operations import (
    configuration,
    configuration_certificates,
    configuration_documents,
    connection_keys,
    message_configuration,
    sender_keys,
)


_WITHHELD = "a secret: named by variable or file, or entered on its page; what is stored stays"
_KEPT_BY_THE_PRODUCT = "the product keeps it"

CERTIFICATES = Section(
    name="certificates",
    holds="authorities that connections trust, and identities by name",
    document=configuration_certificates.certificates_document,
    apply=configuration_certificates.apply_certificates,
    covers=("outbound.Certificate",),
    keys=configuration_certificates.KEYS,
    sources=configuration_certificates.SOURCES,
    left_out={
        "Certificate.private_key": _WITHHELD,
        **{
            f"Certificate.{field}": "read from the certificate"
            for field in ("subject", "issuer", "serial_number", "fingerprint", "not_before", "not_after")
        },
        **{f"Certificate.{field}": _KEPT_BY_THE_PRODUCT for field in ("uploaded_by", "uploaded_at")},
    },
)
CONNECTIONS = Section(
    name="connections",
    holds="targets: DACS, DERMS, file drops, the mail server",
    document=configuration_documents.connections_document,
    apply=configuration.apply_connections,
    covers=("outbound.Connection",),
    keys=configuration_documents.CONNECTION_KEYS,
    sources=connection_keys.SOURCES,
    left_out={"Connection.password": _WITHHELD, "Connection.private_key": _WITHHELD},
)
PARAMETERS = Section(
    name="parameters",
    holds="numbers of the retry policy and of retention",
    document=configuration_documents.parameters_document,
    apply=configuration.apply_parameters,
    covers=("outbound.Parameter",),
    keys=("value", "description"),
)
MESSAGE_SENDERS = Section(
    name="message_senders",
    holds="how messages are sent",
    document=configuration_documents.message_senders_document,
    apply=message_configuration.apply_message_senders,
    covers=("outbound.MessageSender", "outbound.SenderContext"),
    keys=configuration_documents.SENDER_KEYS,
    sources=sender_keys.SOURCES,
    left_out={
        "SenderContext.value (HTTP_HEADER)": "may be a secret: named by variable, or entered; what is stored stays",
        "SenderContext.value (HTTP_LOGIN_PASSWORD)": _WITHHELD,
    },
)
EXTERNAL_SYSTEMS = Section(
    name="external_systems",
    holds="systems that messages go to",
    document=configuration_documents.external_systems_document,
    apply=message_configuration.apply_external_systems,
    covers=("outbound.ExternalSystem",),
    keys=configuration_documents.SYSTEM_KEYS,
)
OUTBOUND_MESSAGE_TYPES = Section(
    name="outbound_message_types",
    holds="kinds of messages: method, path, retries",
    document=configuration_documents.outbound_message_types_document,
    apply=message_configuration.apply_outbound_message_types,
    covers=("outbound.OutboundMessageType",),
    keys=configuration_documents.TYPE_KEYS,
)
