"""Descriptions for integrators: AsyncAPI of the topics, OpenAPI of a service."""

import click

from cchc.cli.options import with_installation
from cchc.installation import Installation
from cchc.output import as_json
from cchc.served import remembered
from cchc.services import SERVICES


@click.command("asyncapi")
def asyncapi_command() -> None:
    """In mô tả AsyncAPI 3 của các topic."""
    from shared.events.asyncapi import document

    as_json(document())


@click.command("openapi")
@click.argument("service", type=click.Choice(SERVICES))
@with_installation
def openapi_command(installation: Installation, service: str) -> None:
    """In mô tả OpenAPI 3.1 của một dịch vụ."""
    from shared.web.app import openapi

    description = openapi(installation.web(service))
    if address := remembered(installation.settings):
        description["servers"] = [{"url": address, "description": "The address that this installation is served at."}]
    as_json(description)
