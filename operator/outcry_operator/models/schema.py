"""pydantic's JSON schema, turned into the structural schema that a CustomResourceDefinition wants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic import BaseModel

Node = dict[str, Any]

_DROPPED = {"title", "$defs"}


def structural(model: type[BaseModel]) -> Node:
    """The model's schema without references, titles and unions with null."""
    schema = model.model_json_schema(by_alias=True, mode="validation")
    return _inline(schema, schema.get("$defs", {}))


def _inline(node: Node, definitions: Node) -> Node:
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        node = target | {key: value for key, value in node.items() if key != "$ref"}
    node = _without_null(node, definitions)
    result = {key: _child(key, value, definitions) for key, value in node.items() if key not in _DROPPED}
    if result.get("type") == "object" and "properties" in result and "default" not in result:
        return _with_default(result)
    result.pop("x-optional", None)
    if "const" in result:
        result["enum"] = [result.pop("const")]
    return result


def _child(key: str, value: object, definitions: Node) -> object:
    """A property may be named like a keyword, so names and keywords are told apart."""
    if key == "properties" and isinstance(value, dict):
        return {name: _inline(schema, definitions) for name, schema in value.items()}
    if key in ("enum", "required", "default", "x-kubernetes-validations"):
        return value
    if isinstance(value, list):
        return [_inline(item, definitions) if isinstance(item, dict) else item for item in value]
    return _inline(value, definitions) if isinstance(value, dict) else value


def _without_null(node: Node, definitions: Node) -> Node:
    if node.get("x-kubernetes-int-or-string"):
        return {key: value for key, value in node.items() if key != "type"}
    options = [option for option in node.get("anyOf", []) if option.get("type") != "null"]
    if len(options) != 1 or len(options) == len(node.get("anyOf", [])):
        return node
    rest = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
    inner = _inline(options[0], definitions)
    inner.pop("default", None)
    return {**inner, **rest, "x-optional": True}


def _with_default(result: Node) -> Node:
    """Objects all of whose fields have defaults get those as their own, so that the API server fills them in.

    `{}` would not do: rules are checked on a default as it is written.
    """
    if result.pop("x-optional", False) or result.get("required"):
        return result
    defaults = {name: field["default"] for name, field in result["properties"].items() if "default" in field}
    return result | {"default": defaults}
