"""The event catalogue as AsyncAPI 3 with JSON Schema: generated from the Structs, so it cannot say anything else."""

import inspect
from typing import Any

import msgspec

from shared.events.catalogue import CATALOGUE, EventType
from shared.events.envelope import MAX_EVENT_BYTES, Envelope
from shared.events.values import Data

JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"


def topic(source: str) -> str:
    """The Kafka topic of a service's log."""
    return f"cchc.{source}.v1"


def schemas() -> dict[str, Any]:
    """JSON Schema (2020-12) of every event's data, by component name, with what they refer to."""
    types = [declared.data for declared in CATALOGUE]
    _, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for declared in CATALOGUE:
        components[declared.data.__name__]["description"] = _describe(declared)
    return components


def document() -> dict[str, Any]:
    """The AsyncAPI 3.0 document of all services' topics."""
    sources = sorted({source for declared in CATALOGUE for source in declared.sources})
    messages = {_message_name(declared): _message(declared) for declared in CATALOGUE}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "cchc",
            "version": "1.0.0",
            "description": (
                "Nhật ký sự kiện: giao việc, theo dõi và xếp loại ở UBND cấp xã.\n\n"
                "Values are the stored bytes of CloudEvents 1.0 in structured JSON; the key is the commune. "
                "A topic may hold repeats, or an event ahead of its place: dropping all that is not next "
                "(`position`, `previoushash`) leaves the full chain."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {source: _channel(source) for source in sources},
        "operations": {
            f"publish-{source}": {
                "action": "send",
                "channel": {"$ref": f"#/channels/{source}"},
                "summary": f"The relay of the {source} service publishes its log in order.",
            }
            for source in sources
        },
        "components": {"schemas": schemas() | {"Envelope": _envelope_schema()}, "messages": messages},
    }


def _message_name(declared: EventType) -> str:
    return declared.name.replace(".", "_")


def _channel(source: str) -> dict[str, Any]:
    own = [declared for declared in CATALOGUE if source in declared.sources]
    return {
        "address": topic(source),
        "messages": {
            _message_name(declared): {"$ref": f"#/components/messages/{_message_name(declared)}"} for declared in own
        },
        "bindings": {
            "kafka": {
                "topic": topic(source),
                "topicConfiguration": {
                    "cleanup.policy": ["delete"],
                    "retention.ms": -1,
                    "retention.bytes": -1,
                    "max.message.bytes": 4 * MAX_EVENT_BYTES,
                },
            }
        },
    }


def _message(declared: EventType) -> dict[str, Any]:
    return {
        "name": declared.type_name,
        "title": declared.type_name,
        "summary": f"Subject: {declared.subject}",
        "contentType": "application/cloudevents+json",
        "headers": {
            "type": "object",
            "properties": {
                "content-type": {"type": "string", "const": "application/cloudevents+json"},
                "ce_type": {"type": "string", "const": declared.type_name},
                "ce_id": {"type": "string", "format": "uuid"},
                "traceparent": {"type": "string"},
            },
            "required": ["content-type", "ce_type", "ce_id"],
        },
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "type": "object",
                    "properties": {
                        "type": {"const": declared.type_name},
                        "data": {"$ref": f"#/components/schemas/{declared.data.__name__}"},
                    },
                    "required": ["type", "data"],
                },
            ]
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": "the commune"}}},
    }


def _envelope_schema() -> dict[str, Any]:
    _, components = msgspec.json.schema_components([Envelope], ref_template="#/components/schemas/{name}")
    return components["Envelope"] | {"description": inspect.cleandoc(Envelope.__doc__ or "")}


def _describe(declared: EventType) -> str:
    own = declared.data.__doc__ if declared.data.__doc__ != Data.__doc__ else None
    return inspect.cleandoc(own) if own else declared.type_name
