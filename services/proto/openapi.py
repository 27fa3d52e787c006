"""Makes of the protobuf schema what the gateway serves and checks: an OpenAPI document, fields of bodies.

    openapi.py DESCRIPTORS OPENAPI.json FIELDS.lua

DESCRIPTORS is a set with source information, so that the comments of the schema are the document's words.
"""

from __future__ import annotations

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

Json = dict[str, Any]

SERVICES = (
    "Orders",
    "OrderAdmin",
    "Deposits",
    "DepositsAdmin",
    "Positions",
    "Ledger",
    "RiskAdmin",
    "WithdrawalReviewDesk",
)
CREATES = ("/orders", "/withdrawals")
"""Answered by 201."""

SCALARS: dict[int, Json] = {
    FieldDescriptorProto.TYPE_STRING: {"type": "string"},
    FieldDescriptorProto.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptorProto.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptorProto.TYPE_UINT32: {"type": "integer", "format": "uint32"},
    # Text, because the numbers of many languages can't hold them.
    FieldDescriptorProto.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptorProto.TYPE_UINT64: {"type": "string", "format": "uint64"},
}

ERROR: Json = {
    "type": "object",
    "description": "What went wrong. Names are in docs/api/errors.md.",
    "required": ["code", "name", "message", "field", "traceId"],
    "properties": {
        "code": {"type": "string", "description": "The gRPC status code's name."},
        "name": {"type": "string", "description": "One word to compare."},
        "message": {"type": "string", "description": "What was wrong, where, and what to do."},
        "field": {"type": "string", "description": "The request's field at fault; empty: none."},
        "traceId": {"type": "string", "description": "To quote to support."},
    },
}

SECURITY: Json = {
    "session": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "EdDSA; see docs/api/signing.md.",
    },
    **{
        name.removeprefix("outcry-"): {"type": "apiKey", "in": "header", "name": name}
        for name in ("outcry-key", "outcry-timestamp", "outcry-signature")
    },
}


@dataclass(frozen=True)
class Binding:
    """One HTTP method and path of a call."""

    service: str
    call: MethodDescriptorProto
    method: str
    path: str
    body: bool
    comment: str

    @property
    def permission(self) -> str:
        """That a caller needs (charts/outcry/files/envoy/permissions.yaml)."""
        if self.path.startswith("/admin/"):
            return "admin"
        if self.path == "/withdrawals" and self.method == "post":
            return "withdraw"
        return "read" if self.method == "get" else "trade"


class Schema:
    """The messages, their comments and the bindings of all services."""

    def __init__(self, files: FileDescriptorSet) -> None:
        self.messages: dict[str, DescriptorProto] = {}
        self.enums: dict[str, EnumDescriptorProto] = {}
        self.comments: dict[tuple[str, str], str] = {}
        self.bindings: list[Binding] = []
        for file in files.file:
            if file.package == "outcry.v1":
                self._read(file)

    def fields(self, message: str) -> set[str]:
        """Every name that JSON of a message may have, at any depth, in both spellings."""
        names: set[str] = set()
        for field in self.messages[message].field:
            names |= {field.name, field.json_name}
            if field.type == FieldDescriptorProto.TYPE_MESSAGE:
                names |= self.fields(_bare(field.type_name))
        return names

    def _read(self, file: FileDescriptorProto) -> None:
        said = {tuple(place.path): _prose(place.leading_comments) for place in file.source_code_info.location}
        for at, message in enumerate(file.message_type):
            self.messages[message.name] = message
            self.comments[message.name, ""] = said.get((4, at), "")
            for number, field in enumerate(message.field):
                self.comments[message.name, field.name] = said.get((4, at, 2, number), "")
        self.enums |= {enum.name: enum for enum in file.enum_type}
        for at, service in enumerate(file.service):
            if service.name in SERVICES:
                for number, call in enumerate(service.method):
                    self._bind(service.name, call, said.get((6, at, 2, number), ""))

    def _bind(self, service: str, call: MethodDescriptorProto, comment: str) -> None:
        rule = call.options.Extensions[annotations_pb2.http]
        for each in (rule, *rule.additional_bindings):
            method, path = _method_and_path(each)
            self.bindings.append(Binding(service, call, method, path, each.body == "*", comment))


def openapi(schema: Schema) -> Json:
    """The document; OpenAPI 3.1."""
    paths: Json = {}
    used: set[str] = set()
    for binding in schema.bindings:
        _use(schema, _bare(binding.call.output_type), used)
        if binding.body:
            _use(schema, _bare(binding.call.input_type), used)
        paths.setdefault(_camel_path(binding.path), {})[binding.method] = _operation(schema, binding)
    schemas = {name: _message(schema, name) for name in sorted(used)}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Outcry", "version": "1", "description": "Amounts, prices and ids are text."},
        "paths": paths,
        "components": {"schemas": {"Error": ERROR, **schemas}, "securitySchemes": SECURITY},
        "security": [{"session": []}, {"key": [], "timestamp": [], "signature": []}],
    }


def fields_lua(schema: Schema) -> str:
    """A table of Lua patterns of paths with the names that a body there may have."""
    rows = []
    for binding in schema.bindings:
        if binding.body:
            pattern = re.sub(r"\{[a-z_]+\}", "[^/]+", binding.path.replace("-", "%-"))
            names = ", ".join(
                f"{name} = true" for name in sorted(schema.fields(_bare(binding.call.input_type)))
            )
            rows.append(f'  {{"^{pattern}$", {{{names}}}}},\n')
    return f"-- Made by services/proto/generate.sh from the schema.\nlocal FIELDS = {{\n{''.join(rows)}}}\n"


def _operation(schema: Schema, binding: Binding) -> Json:
    status = "201" if binding.method == "post" and binding.path in CREATES else "200"
    answer = {"description": "Done.", "content": _content(_bare(binding.call.output_type))}
    alone = [other for other in schema.bindings if other.call.name == binding.call.name]
    suffix = "" if alone[0] is binding else str(alone.index(binding) + 1)
    found: Json = {
        "operationId": binding.call.name + suffix,
        "tags": [binding.service],
        "description": f"{binding.comment} Needs the permission `{binding.permission}`.".strip(),
        "parameters": _parameters(schema, binding),
        "responses": {status: answer, "default": {"description": "An error.", "content": _content("Error")}},
    }
    if binding.body:
        found["requestBody"] = {"required": True, "content": _content(_bare(binding.call.input_type))}
    return found


def _parameters(schema: Schema, binding: Binding) -> list[Json]:
    message = _bare(binding.call.input_type)
    in_path = re.findall(r"\{([a-z_]+)\}", binding.path)
    others = [other.path for other in schema.bindings if other.call is binding.call and other is not binding]
    elsewhere = {name for path in others for name in re.findall(r"\{([a-z_]+)\}", path)}
    found = []
    for field in schema.messages[message].field:
        where = "path" if field.name in in_path else "query"
        if where == "query" and (binding.body or field.name in elsewhere):
            continue
        parameter: Json = {"name": field.json_name, "in": where, "required": where == "path"}
        found.append(parameter | {"schema": _field(schema, message, field)})
    return found


def _message(schema: Schema, name: str) -> Json:
    fields = schema.messages[name].field
    properties = {field.json_name: _field(schema, name, field) for field in fields}
    described = {"description": comment} if (comment := schema.comments[name, ""]) else {}
    return {"type": "object", **described, "properties": properties, "additionalProperties": False}


def _field(schema: Schema, message: str, field: FieldDescriptorProto) -> Json:
    bare = _bare(field.type_name)
    if field.type == FieldDescriptorProto.TYPE_MESSAGE:
        kind: Json = {"$ref": f"#/components/schemas/{bare}"}
    elif field.type == FieldDescriptorProto.TYPE_ENUM:
        kind = {"type": "string", "enum": [value.name for value in schema.enums[bare].value]}
    else:
        kind = dict(SCALARS[field.type])
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        kind = {"type": "array", "items": kind}
    comment = schema.comments[message, field.name]
    return {**kind, "description": comment} if comment else kind


def _use(schema: Schema, message: str, used: set[str]) -> None:
    if message not in used:
        used.add(message)
        for field in schema.messages[message].field:
            if field.type == FieldDescriptorProto.TYPE_MESSAGE:
                _use(schema, _bare(field.type_name), used)


def _method_and_path(rule: http_pb2.HttpRule) -> tuple[str, str]:
    method = rule.WhichOneof("pattern")
    if method is None or method == "custom":
        raise ValueError("every call of these services has a method and a path")
    return method, getattr(rule, method)


def _camel_path(path: str) -> str:
    return re.sub(r"_([a-z])", lambda found: found[1].upper(), path)


def _content(message: str) -> Json:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{message}"}}}


def _bare(name: str) -> str:
    return name.rpartition(".")[2]


def _prose(comment: str) -> str:
    return " ".join(comment.split())


def main() -> None:
    """As the module says."""
    descriptors, document, fields = map(Path, sys.argv[1:])
    schema = Schema(FileDescriptorSet.FromString(descriptors.read_bytes()))
    document.write_text(json.dumps(openapi(schema), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    fields.write_text(fields_lua(schema), encoding="utf-8")


if __name__ == "__main__":
    main()
