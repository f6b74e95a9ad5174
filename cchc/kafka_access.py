"""Who may do what on the brokers: a service writes its own topic, reads those that it folds, and has a group."""

from collections.abc import Iterator

from kafka.admin import ACLOperation, ResourceType

from cchc.services import SERVICES
from shared.eventlog.kafka import CLUSTER, Grant, topic_name

OPERATOR = "operator"
# The brokers' own user, and the one that makes topics and rules: no rule limits them (super.users).
BROKER, TOPICS = "broker", "topics"

_READS = (ACLOperation.READ, ACLOperation.DESCRIBE)


def users() -> list[str]:
    """Everybody who has a password."""
    return [BROKER, TOPICS, OPERATOR, *SERVICES]


def group_of(service: str) -> str:
    """The consumer group of a service's replicas."""
    return f"cchc.{service}"


def grants() -> Iterator[Grant]:
    """The rules of all users. The operator's commands read everything and change nothing."""
    for service in SERVICES.values():
        yield Grant(service.name, ResourceType.TOPIC, topic_name(service.name), (*_READS, ACLOperation.WRITE))
        for source in service.replicas:
            yield Grant(service.name, ResourceType.TOPIC, topic_name(source), _READS)
        if service.replicas:
            yield Grant(service.name, ResourceType.GROUP, group_of(service.name), _READS)
        looks = (*_READS, ACLOperation.DESCRIBE_CONFIGS)
        yield Grant(OPERATOR, ResourceType.TOPIC, topic_name(service.name), looks)
    yield Grant(OPERATOR, ResourceType.CLUSTER, CLUSTER, (ACLOperation.DESCRIBE,))
