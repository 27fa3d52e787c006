"""A way to a signer over mutual TLS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
from grpc import aio
from outcry.v1 import signer_pb2 as api
from outcry.v1.signer_pb2_grpc import SignerStub

from outcry_services.common.errors import ConfigError
from outcry_services.common.rpc_errors import from_status

if TYPE_CHECKING:
    from collections.abc import Awaitable
    from pathlib import Path

    from outcry_services.wallet.settings import TlsFiles

__all__ = ["RemoteSigner", "credentials_of"]

PATIENCE, STATUS_PATIENCE = 30.0, 5.0
"""Seconds after which a signer is taken for one that is down."""
LARGEST_MESSAGE = 4 << 20
"""As the signers have it."""

Stub = Any  # gRPC leaves its stubs' types to generated code, which is the blocking client's


def credentials_of(files: TlsFiles) -> grpc.ChannelCredentials:
    """This process's end of mutual TLS; raises `ConfigError` that names a file that can't be read."""
    return grpc.ssl_channel_credentials(
        root_certificates=_read(files.authority_file),
        private_key=_read(files.key_file),
        certificate_chain=_read(files.certificate_file),
    )


class RemoteSigner:
    """Signer `index` at `host:port`, whose certificate must name `signer-{index}`."""

    def __init__(self, index: int, target: str, credentials: grpc.ChannelCredentials) -> None:
        self._target = f"signer-{index} at {target}"
        self._channel = aio.secure_channel(
            target,
            credentials,
            options=[
                ("grpc.ssl_target_name_override", f"signer-{index}"),
                ("grpc.enable_retries", 0),
                ("grpc.initial_reconnect_backoff_ms", 100),
                ("grpc.min_reconnect_backoff_ms", 100),
                ("grpc.max_reconnect_backoff_ms", 1000),
                ("grpc.max_receive_message_length", LARGEST_MESSAGE),
                ("grpc.max_send_message_length", LARGEST_MESSAGE),
            ],
        )
        self._stub: Stub = SignerStub(self._channel)

    async def status(self) -> api.SignerStatus:
        """Where it stands. Raises `ServiceError`, as every call here."""
        answer: api.SignerStatus = await self._heard(
            self._stub.Status(api.SignerStatusRequest(), timeout=STATUS_PATIENCE)
        )
        return answer

    async def open_signing(self, request: api.OpenSigningRequest) -> api.RoundResponse:
        """See the schema."""
        answer: api.RoundResponse = await self._heard(self._stub.OpenSigning(request, timeout=PATIENCE))
        return answer

    async def round(self, request: api.RoundRequest) -> api.RoundResponse:
        """See the schema."""
        answer: api.RoundResponse = await self._heard(self._stub.Round(request, timeout=PATIENCE))
        return answer

    async def close(self) -> None:
        """Give up the connection."""
        await self._channel.close(None)

    async def _heard(self, call: Awaitable[Any]) -> Any:  # noqa: ANN401
        try:
            return await call
        except aio.AioRpcError as error:
            raise from_status(error, target=self._target) from error


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ConfigError(f"{file}, for TLS with the signers, can't be read: {error.strerror}") from None
