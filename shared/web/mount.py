"""Several WSGI apps in one process, each under the prefix it was made with; nothing is stripped from the path."""

from collections.abc import Iterable, Mapping
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


def mount(apps: Mapping[str, WSGIApplication]) -> WSGIApplication:
    """Dispatch by the longest prefix that ends at a segment's end; `/` takes the rest and must be there."""
    root = apps["/"]
    by_length = sorted(((p.rstrip("/"), app) for p, app in apps.items() if p != "/"), key=lambda m: -len(m[0]))

    def dispatch(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        for prefix, app in by_length:
            if path == prefix or path.startswith(prefix + "/"):
                return app(environ, start_response)
        return root(environ, start_response)

    return dispatch
