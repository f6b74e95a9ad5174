"""Who types a command: no person of the commune, but somebody with an account on this machine."""

import os
import pwd

from shared.journal import Acting

OPERATOR = "operator/cchc"


def operator() -> Acting:
    """The operator, with the account that the command runs under and, with sudo, the one that it was called from."""
    by = os.environ.get("SUDO_USER")
    return Acting(OPERATOR, f"cli:{_account()}" + (f" (sudo {by})" if by else ""))


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user has a number alone
        return str(os.getuid())
