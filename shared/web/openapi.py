"""The OpenAPI 3.1 description of a service: what its routes declare, made into one document.

A view declares its answers by the types that it answers with, the headers that it takes and the files sent to it.
Everything else is derived: who may call it, the problems that it can give, the schemas behind the types.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeVar

import flask
import marshmallow
import msgspec

View = TypeVar("View", bound=Callable[..., Any])
Document = dict[str, Any]

JSON = "application/json"
PROBLEM = "application/problem+json"

# What answers can carry in their headers, by name.
HEADERS: Mapping[str, tuple[str, Document]] = {
    "ETag": ("The version of what is sent; a change names it in If-Match.", {"type": "string"}),
    "Cchc-Position": (
        "Where the command was recorded, as source/commune/position; send it as Cchc-Wait-For to read your own write.",
        {"type": "string"},
    ),
    "Link": ('The address of the next page, as <…>; rel="next"; absent on the last one.', {"type": "string"}),
    "Location": ("The address of what was made.", {"type": "string"}),
    "Content-Disposition": ("The name to save the file under.", {"type": "string"}),
    "Retry-After": ("Seconds until it is worth trying again.", {"type": "integer"}),
}
# What requests can carry in their headers, by name.
TAKES: Mapping[str, tuple[str, Document]] = {
    "If-Match": (
        "The ETag that the change is based on; required once there is something to change, refused when it is stale.",
        {"type": "string"},
    ),
    "If-None-Match": ("An ETag held already; the answer is 304 while it is still the current one.", {"type": "string"}),
    "Idempotency-Key": (
        "The client's own name for this request: sent again with the same content, it gets the first answer again.",
        {"type": "string", "minLength": 1, "maxLength": 200},
    ),
    "Cchc-Wait-For": (
        "Answer only when the position of an earlier Cchc-Position is reached, for up to two seconds.",
        {"type": "string"},
    ),
}
IF_MATCH, KEY, WAIT = "If-Match", "Idempotency-Key", "Cchc-Wait-For"
ETAG, POSITION, LINK, FILE_NAME = "ETag", "Cchc-Position", "Link", "Content-Disposition"


@dataclass(frozen=True)
class Answer:
    """One kind of successful answer. `type` None: nothing, or a file of `media`."""

    status: int
    type: Any
    media: str
    headers: tuple[str, ...]
    description: str | None


@dataclass(frozen=True)
class Upload:
    """A form with files, and the schema of its other parts."""

    files: tuple[str, ...]
    form: type[marshmallow.Schema] | None
    required: bool


@dataclass(frozen=True)
class About:
    """What a service tells its readers about itself and about the ids in its addresses.

    `waits`: every operation of a commune reads Cchc-Wait-For.
    """

    description: str = ""
    ids: Mapping[str, str] = field(default_factory=dict)
    waits: bool = False


IDS = {"commune": "Id of the commune in this installation, such as tien-canh."}
COMMUNE_PATTERN = "^[a-z0-9][a-z0-9-]{0,62}$"
CONTACT = {"name": "The operator of this installation"}
LICENSE = {"name": "Apache License 2.0", "identifier": "Apache-2.0"}

# Problems that every operation can give, and those that come with what an operation takes.
# A query that is not described is refused, and a service may be busy.
OF_ALL = (HTTPStatus.UNPROCESSABLE_ENTITY, HTTPStatus.SERVICE_UNAVAILABLE)
ALWAYS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
WITH_IDS = (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
WITH_BODY = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
WITH_HEADER = {
    IF_MATCH: (HTTPStatus.PRECONDITION_FAILED, HTTPStatus.PRECONDITION_REQUIRED),
    KEY: (HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY),
    WAIT: (HTTPStatus.BAD_REQUEST,),
    "If-None-Match": (),
}


# What a view declares


def declare_answer(answer: Answer) -> Callable[[View], View]:
    def tag(view: View) -> View:
        view.__dict__["cchc_answers"] = (*view.__dict__.get("cchc_answers", ()), answer)
        return view

    return tag


def declare_headers(names: Sequence[str]) -> Callable[[View], View]:
    if unknown := set(names) - TAKES.keys():
        raise ValueError(f"no such request header: {', '.join(sorted(unknown))}")

    def tag(view: View) -> View:
        view.__dict__["cchc_takes"] = (*view.__dict__.get("cchc_takes", ()), *names)
        return view

    return tag


def declare_problems(statuses: Sequence[int]) -> Callable[[View], View]:
    def tag(view: View) -> View:
        view.__dict__["cchc_problems"] = (*view.__dict__.get("cchc_problems", ()), *statuses)
        return view

    return tag


def declare_upload(upload: Upload) -> Callable[[View], View]:
    def tag(view: View) -> View:
        view.__dict__["cchc_upload"] = upload
        return view

    return tag


# From a view to its operation


def operation(
    doc: Document, view: Callable[..., Any], method: str, actions: Mapping[str, Iterable[str]], types: list[Any]
) -> Document:
    """Complete what flask-smorest wrote of a view. `types` collects the types of the answers; `document` names them."""
    tags = vars(view)
    answers: tuple[Answer, ...] = tags.get("cchc_answers", ())
    takes = list(dict.fromkeys(tags.get("cchc_takes", ())))
    if method == "get" and any("ETag" in answer.headers for answer in answers):
        takes.append("If-None-Match")
    doc["operationId"] = operation_id(view.__name__)
    doc["parameters"] = [*doc.get("parameters", ()), *takes]  # apispec makes references of names
    if (upload := tags.get("cchc_upload")) is not None:
        doc["requestBody"] = _form(upload)
    responses = {str(status): response for status, response in doc.pop("responses", {}).items()}
    for answer in answers:
        _add(responses, answer, types)
    if "If-None-Match" in takes:
        responses["304"] = {"description": "What the client holds is still the current version."}
    for status in _problems(tags, doc, takes, changes=method not in ("get", "head")):
        responses.setdefault(str(int(status)), _reference("responses", HTTPStatus(status).name))
    doc["responses"] = dict(sorted(responses.items()))
    if "cchc_public" in tags:
        doc["security"] = [{}, {"token": []}]  # a token may be sent, and need not be
    roles = sorted(actions.get(tags.get("cchc_action", ""), ()))
    lines = [doc.get("description") or doc.get("summary", "")]
    if roles:
        lines.append(f"Roles: {', '.join(roles)}.")
    doc["description"] = "\n\n".join(lines)
    return doc


def operation_id(name: str) -> str:
    """What a generated client calls an operation: `list_tasks` → `listTasks`, `AssignTask` → `assignTask`."""
    first, *rest = name.split("_")
    return first[0].lower() + first[1:] + "".join(word.title() for word in rest)


def _add(responses: Document, answer: Answer, types: list[Any]) -> None:
    response = responses.setdefault(str(answer.status), {"description": HTTPStatus(answer.status).phrase})
    if answer.description:
        response["description"] = answer.description
    if answer.type is not None:
        types.append(answer.type)
        response.setdefault("content", {})[answer.media] = {"schema": {"$ref": f"{PENDING}{len(types) - 1}"}}
    elif answer.media:
        text = answer.media.startswith(("text/", "application/jsonl"))
        schema = {"type": "string"} if text else {"type": "string", "format": "binary"}
        response.setdefault("content", {})[answer.media] = {"schema": schema}
    if answer.headers:
        response["headers"] = headers_of(answer.headers)


def headers_of(names: Iterable[str]) -> Document:
    return {name: _reference("headers", name) for name in names}


def _form(upload: Upload) -> Document:
    files = {name: {"type": "string", "format": "binary"} for name in upload.files}
    schema: Document = {"type": "object", "properties": files, "required": list(upload.files)}
    if not upload.required:
        schema.pop("required")
    if upload.form is not None:
        for name, each in upload.form().fields.items():
            schema["properties"][each.data_key or name] = {
                "type": "string",
                **{key: text for key, text in each.metadata.items() if key == "description"},
                **_longest(each),
            }
            if each.required:
                schema.setdefault("required", []).append(each.data_key or name)
    return {"required": upload.required, "content": {"multipart/form-data": {"schema": schema}}}


def _longest(field: marshmallow.fields.Field[Any]) -> Document:
    bounds = [check.max for check in field.validators if isinstance(check, marshmallow.validate.Length)]
    return {"maxLength": bounds[0]} if bounds and bounds[0] is not None else {}


def _problems(tags: Mapping[str, Any], doc: Document, takes: Sequence[str], *, changes: bool) -> list[int]:
    statuses: set[int] = {int(status) for status in (*tags.get("cchc_problems", ()), *OF_ALL)}
    if changes:
        statuses.add(HTTPStatus.TOO_MANY_REQUESTS)  # every change has a budget
    if "cchc_public" not in tags:
        statuses.update(ALWAYS)
    if "requestBody" in doc:
        statuses.update(WITH_BODY)
    for name in takes:
        statuses.update(WITH_HEADER[name])
    return sorted(statuses)


def _reference(kind: str, name: str) -> Document:
    return {"$ref": f"#/components/{kind}/{name}"}


# The whole document

PENDING = "cchc:answer:"
OTHER = "DEFAULT_ERROR"
SCHEMAS = "#/components/schemas/"


def document(
    app: flask.Flask, spec: Document, types: Sequence[Any], problems: Mapping[int, Mapping[str, str]]
) -> Document:
    """The finished description of an app.

    spec      what apispec has gathered
    types     the types of the answers, in the order in which operations refer to them
    problems  status → code → title, of all that the service can answer with
    """
    about: About = app.extensions["cchc.about"]
    origin: str | None = app.extensions["cchc.origin"]
    for path, item in spec["paths"].items():
        _complete(path, item, {**IDS, **about.ids}, waits=about.waits)
    references, schemas = components(types, spec["components"].get("schemas", {}))
    spec = _resolved(spec, references)
    spec["components"].setdefault("schemas", {}).update(schemas)
    statuses = [status.name for status in HTTPStatus if status >= 400]
    spec["components"]["responses"] = {name: _problem(name, problems) for name in (*statuses, OTHER)}
    spec["components"]["headers"] = {
        name: {"description": text, "schema": schema} for name, (text, schema) in HEADERS.items()
    }
    spec["components"]["parameters"] = {
        name: {"name": name, "in": "header", "required": False, "description": text, "schema": schema}
        for name, (text, schema) in TAKES.items()
    }
    _drop_unused(spec)
    spec["info"] |= {"description": about.description, "contact": CONTACT, "license": LICENSE}
    spec["servers"] = [{"url": origin or "/", "description": "The address that this description was read from."}]
    if origin:
        spec["servers"][0]["description"] = "The address that this installation is served at."
    return spec


def components(types: Sequence[Any], taken: Collection[str] = ()) -> tuple[list[Document], dict[str, Document]]:
    """JSON Schemas of types, with their parts as components under names of our own; `taken` are other schemas'.

    A field with a default is always sent, unless its Struct leaves defaults out: so it is required.
    """
    schemas, parts = msgspec.json.schema_components(types, ref_template=SCHEMAS + "{name}")
    names: dict[str, str] = {}
    for cls in _classes(msgspec.inspect.multi_type_info(types)):
        name = _full_name(cls) if _full_name(cls) in parts else _short_name(cls)
        part = parts[name]
        names[name] = _own_name(_full_name(cls) if _own_name(name) in taken else name)
        part.pop("title", None)
        struct: type[msgspec.Struct] = getattr(cls, "__origin__", cls)
        if "properties" in part and not struct.__struct_config__.omit_defaults:
            absent = {each.encode_name for each in msgspec.structs.fields(struct) if each.default is msgspec.UNSET}
            part["required"] = [name for name in part["properties"] if name not in absent]
            for described in part["properties"].values():
                described.pop("default", None)
    names = {name: _own_name(name) for name in parts} | names
    if len(set(names.values())) < len(names) or set(names.values()) & set(taken):
        raise ValueError(f"answers of one name: {sorted(names)}")
    named = {names[name]: part for name, part in parts.items()}
    pointers = {SCHEMAS + old: SCHEMAS + new for old, new in names.items()}
    return [_repointed(schema, pointers) for schema in schemas], _repointed(named, pointers)


def _classes(infos: Iterable[msgspec.inspect.Type]) -> Iterable[type[msgspec.Struct]]:
    """Every Struct within these types."""
    seen: dict[Any, None] = {}

    def walk(info: Any) -> None:
        if isinstance(info, msgspec.inspect.StructType):
            if info.cls in seen:
                return
            seen[info.cls] = None
            for each in info.fields:
                walk(each.type)
        for name in ("type", "item_type", "key_type", "value_type"):
            if (part := getattr(info, name, None)) is not None:
                walk(part)
        for name in ("types", "item_types"):
            for part in getattr(info, name, ()):
                walk(part)

    for info in infos:
        walk(info)
    return list(seen)


def _short_name(cls: Any) -> str:
    if (origin := getattr(cls, "__origin__", None)) is None:
        name = str(cls.__name__)
    else:
        name = f"{origin.__name__}[{', '.join(getattr(a, '__name__', repr(a)) for a in cls.__args__)}]"
    return re.sub(r"[^a-zA-Z0-9.\-_]", "_", name)


def _full_name(cls: Any) -> str:
    origin = getattr(cls, "__origin__", cls)
    return re.sub(r"[^a-zA-Z0-9.\-_]", "_", f"{origin.__module__}.{origin.__qualname__}")


def _own_name(name: str) -> str:
    """services.x.records.Task → RecordsTask, Answer_Table_ → AnswerTable."""
    words = [word for part in name.split(".")[-2:] for word in part.split("_") if word]
    return "".join(word[0].upper() + word[1:] for word in words)


def _repointed(value: Any, pointers: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return {
            name: pointers.get(part, part) if isinstance(part, str) else _repointed(part, pointers)
            for name, part in value.items()
        }
    return [_repointed(part, pointers) for part in value] if isinstance(value, list) else value


def _resolved(value: Any, answers: Sequence[Document]) -> Any:
    """The document with each type's schema where an operation only counted it."""
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(PENDING):
            return answers[int(reference.removeprefix(PENDING))]
        return {name: _resolved(part, answers) for name, part in value.items()}
    return [_resolved(part, answers) for part in value] if isinstance(value, list) else value


def _complete(path: str, item: Document, ids: Mapping[str, str], *, waits: bool) -> None:
    """What follows from an operation's address."""
    for parameter in item.get("parameters", ()):
        parameter["description"] = ids.get(parameter["name"], "")
        if parameter["name"] == "commune":
            parameter["schema"] = {"type": "string", "pattern": COMMUNE_PATTERN}
    if "{" not in path:
        return
    for described in (part for name, part in item.items() if name != "parameters"):
        statuses = [*WITH_IDS]
        if waits:
            described["parameters"] = [*described.get("parameters", ()), _reference("parameters", WAIT)]
            statuses += WITH_HEADER[WAIT]
        for status in statuses:
            described["responses"].setdefault(str(int(status)), _reference("responses", status.name))
        described["responses"] = dict(sorted(described["responses"].items()))


def _problem(name: str, problems: Mapping[int, Mapping[str, str]]) -> Document:
    """What a status is answered with: its codes by name, since programs decide by them."""
    codes: Mapping[str, str] = {}
    if name == OTHER:
        status, description = 500, "Any other problem."
    else:
        status = int(HTTPStatus[name])
        codes = problems.get(status, {})
        description = HTTPStatus[name].phrase
    if codes:
        description += ". " + "; ".join(f"`{code}`: {title}" for code, title in sorted(codes.items())) + "."
    response: Document = {
        "description": description,
        "content": {PROBLEM: {"schema": {"$ref": SCHEMAS + "Problem"}}},
    }
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        response["headers"] = {"Retry-After": _reference("headers", "Retry-After")}
    return response


def _drop_unused(spec: Document) -> None:
    """Leave only components that something refers to."""
    parts = spec["components"]
    wanted: set[str] = set()
    open_ends = _pointers({name: part for name, part in spec.items() if name != "components"})
    while open_ends:
        pointer = open_ends.pop()
        if pointer in wanted:
            continue
        wanted.add(pointer)
        kind, name = pointer.removeprefix("#/components/").split("/")
        open_ends |= _pointers(parts[kind][name])
    for kind in ("schemas", "responses", "headers", "parameters"):
        kept = {name: part for name, part in parts[kind].items() if f"#/components/{kind}/{name}" in wanted}
        parts[kind] = dict(sorted(kept.items()))


def _pointers(value: Any) -> set[str]:
    if isinstance(value, dict):
        found = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
        return found.union(*(_pointers(part) for part in value.values()))
    return set().union(*(_pointers(part) for part in value)) if isinstance(value, list) else set()


def ecma(regex: re.Pattern[Any]) -> str:
    """A regex that Python matches from the start, for ECMA-262, which searches.

    Raises ValueError for what only Python knows.
    """
    if regex.flags & ~(re.UNICODE | re.ASCII):
        raise ValueError(f"flags of {regex.pattern!r} have no place in a description")
    pattern = re.sub(r"\A(\^|\\A)", "", regex.pattern).replace(r"\Z", "$")
    if re.search(r"\\A|\(\?P|\(\?[aiLmsux]", pattern):
        raise ValueError(f"only Python reads {regex.pattern!r}")
    return f"^(?:{pattern})" if "|" in pattern else f"^{pattern}"
