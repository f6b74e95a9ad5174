"""The screens over the services of an installation, in one process as `cchc run` has them."""

import flask

from cchc.installation import Installation
from cchc.services import SERVICES


def screens_of(installation: Installation) -> flask.Flask:
    return installation.screens({service: installation.web(service) for service in SERVICES})
