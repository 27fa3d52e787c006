"""The enums and classes say what the schema says, word for word and field for field."""

from inspect import ismodule

import outcry_engine
import pytest
from outcry.v1 import command_pb2, event_pb2, types_pb2
from outcry_engine import words

SCHEMA = {
    **types_pb2.DESCRIPTOR.enum_types_by_name,
    **event_pb2.DESCRIPTOR.enum_types_by_name,
}


@pytest.mark.parametrize("name", words.__all__)
def test_an_enum_has_the_schemas_words(name: str) -> None:
    values = SCHEMA[name].values
    prefix = values[0].name.removesuffix("UNSPECIFIED")
    ours = {member.name: int(member) for member in getattr(words, name)}
    assert ours == {value.name.removeprefix(prefix): value.number for value in values[1:]}


def test_every_enum_is_there() -> None:
    assert set(words.__all__) == set(SCHEMA)


@pytest.mark.parametrize("body", command_pb2.Command.DESCRIPTOR.oneofs_by_name["body"].fields[:])
def test_a_command_has_the_schemas_fields(body: object) -> None:
    fields = body.message_type.fields  # type: ignore[attr-defined]
    ours = getattr(outcry_engine, body.message_type.name)  # type: ignore[attr-defined]
    assert ours.__match_args__ == tuple(field.name for field in fields)
    assert issubclass(ours, outcry_engine.Command)


@pytest.mark.parametrize("body", event_pb2.Event.DESCRIPTOR.oneofs_by_name["body"].fields[:])
def test_an_event_has_the_schemas_fields(body: object) -> None:
    fields = body.message_type.fields  # type: ignore[attr-defined]
    name = "".join(word.capitalize() for word in body.name.split("_"))  # type: ignore[attr-defined]
    ours = getattr(outcry_engine, name)
    assert ours.__match_args__ == tuple(field.name for field in fields)
    assert issubclass(ours, outcry_engine.Event)


def test_all_names_what_is_there() -> None:
    public = {
        name
        for name, value in vars(outcry_engine).items()
        if not (name.startswith("_") or ismodule(value) or name == "TYPE_CHECKING")
    }
    on_demand = {"COMMAND_DTYPE", "EVENT_DTYPE"}
    assert set(outcry_engine.__all__) == public | on_demand
