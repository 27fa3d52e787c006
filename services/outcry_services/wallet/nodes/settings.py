"""A pool as its configuration has it: a JSON file of the operator's, with secrets in files of their own.

{"chain": "bitcoin", "network": "regtest", "min_peers": 0,
 "nodes": [{"name": "core-a", "url": "http://core-a:8332", "credentials_file": "/run/secrets/core-a/cookie"}]}
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from outcry_services.common.errors import ConfigError
from outcry_services.wallet.nodes.bitcoin import GENESIS
from outcry_services.wallet.nodes.model import Identity
from outcry_services.wallet.nodes.policy import BITCOIN, ETHEREUM, SOLANA, Policy
from outcry_services.wallet.nodes.rpc import Credentials, Endpoint, Scheme

__all__ = ["NodeSettings", "PoolSettings"]

Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class NodeSettings(_Strict):
    """One node."""

    name: Name
    """What logs and metrics call it; its URL shows in none of them."""
    url: SecretStr
    weight: float = Field(default=1.0, gt=0, le=100)
    credentials_file: Path | None = None
    credentials: Scheme = Scheme.BASIC
    authority_file: Path | None = None
    """Certificates to trust instead of the system's, PEM."""

    @model_validator(mode="after")
    def _is_http(self) -> Self:
        url = self.url.get_secret_value()
        if not url.startswith(("http://", "https://")):
            raise ValueError("the URL of a node begins with http:// or https://")
        if "@" in url.split("/")[2]:
            raise ValueError("a node's credentials belong into credentials_file, not into its URL")
        return self

    def endpoint(self) -> Endpoint:
        """For the adapter."""
        file = self.credentials_file
        return Endpoint(
            name=self.name,
            url=self.url.get_secret_value(),
            weight=self.weight,
            credentials=Credentials(file=file, scheme=self.credentials) if file else None,
            authority=self.authority_file,
        )


class PoolSettings(_Strict):
    """One pool."""

    chain: Literal["bitcoin", "ethereum", "solana"]
    network: Name
    chain_id: int | None = Field(default=None, gt=0)
    """Ethereum's number of the network."""
    genesis: str | None = None
    """Hash of the first block; may be left out for Bitcoin's own networks."""
    nodes: list[NodeSettings] = Field(min_length=1, max_length=32)
    min_peers: int = Field(default=1, ge=0)
    max_lag: int | None = Field(default=None, ge=1)
    settled: int | None = Field(default=None, ge=1)
    probe_seconds: float = Field(default=2.0, gt=0)
    timeout: float = Field(default=5.0, gt=0)

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read a file; raises `ConfigError` naming every field that is wrong, never its value."""
        try:
            return cls.model_validate_json(file.read_bytes())
        except OSError as error:
            raise ConfigError(f"the node pool's settings {file} can't be read: {error.strerror}") from None
        except ValidationError as error:
            faults = (
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
                for fault in error.errors(include_input=False, include_url=False, include_context=False)
            )
            raise ConfigError(f"the node pool's settings {file} are wrong: {'; '.join(faults)}") from None

    @property
    def identity(self) -> Identity:
        """Which chain the nodes must be of."""
        genesis = self.genesis or GENESIS.get(self.network, "")
        return Identity(genesis=genesis, chain_id=self.chain_id)

    @property
    def policy(self) -> Policy:
        """The chain's own, with what is set here."""
        chains = {"bitcoin": BITCOIN, "ethereum": ETHEREUM, "solana": SOLANA}[self.chain]
        return replace(
            chains,
            min_peers=self.min_peers,
            max_lag=chains.max_lag if self.max_lag is None else self.max_lag,
            settled=chains.settled if self.settled is None else self.settled,
            probe_seconds=self.probe_seconds,
            timeout=self.timeout,
        )

    @model_validator(mode="after")
    def _names_one_chain(self) -> Self:
        names = [node.name for node in self.nodes]
        if len(set(names)) < len(names):
            raise ValueError("each node needs a name of its own")
        if self.chain == "ethereum" and (self.chain_id is None or self.genesis is None):
            raise ValueError("chain_id and genesis say which network of Ethereum this is: set both")
        if self.chain == "solana" and (self.chain_id is not None or self.genesis is None):
            raise ValueError("genesis says which network of Solana this is: set it; chain_id is not")
        if self.chain == "bitcoin" and (self.chain_id is not None or not self.identity.genesis):
            raise ValueError(f"network is one of {', '.join(GENESIS)}, or genesis is set; chain_id is not")
        return self
