"""What every model of the custom resources is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

if TYPE_CHECKING:
    from pydantic.config import JsonDict

    from outcry_operator.models.cel import Rule

DECIMAL = r"^(0|[1-9][0-9]*)(\.[0-9]+)?$"

Decimal18 = Annotated[str, Field(pattern=DECIMAL, max_length=18)]
"""A decimal without sign and exponent, of at most 18 characters."""


class Model(BaseModel):
    """Fields are written in camelCase; what was read never changes; newer fields are passed over."""

    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, frozen=True, extra="ignore")


def checked(*checks: Rule) -> JsonDict:
    """The rules that the API server checks on a part of the schema."""
    return {"x-kubernetes-validations": [{**check} for check in checks]}
