"""Several WSGI apps in one process, each under its own prefix, which stays in the path."""

from collections.abc import Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def mount(apps: Mapping[str, WSGIApplication]) -> WSGIApplication:
    """Dispatch by the longest prefix of whole segments; `/` takes the rest and must be present."""
    root = apps["/"]
    by_length = sorted(((p.rstrip("/"), app) for p, app in apps.items() if p != "/"), key=lambda m: -len(m[0]))

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for prefix, app in by_length:
            if path == prefix or path.startswith(prefix + "/"):
                return app(environ, start_response)
        return root(environ, start_response)

    return dispatch
