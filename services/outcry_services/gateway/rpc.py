"""Envoy's question (ext_authz) as the gateway's logic sees it, and its answer as Envoy wants it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from outcry.v1 import external_auth_pb2 as pb
from outcry.v1.external_auth_pb2_grpc import AuthorizationServicer

from outcry_services.common import trace
from outcry_services.common.errors import ServiceError
from outcry_services.common.rpc_errors import status_of
from outcry_services.common.signing import KEY_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER, WINDOW_HEADER
from outcry_services.gateway.authenticate import SignedRequest

if TYPE_CHECKING:
    import grpc

    from outcry_services.common.identity import Identity
    from outcry_services.gateway.authenticate import Authenticator
    from outcry_services.gateway.metrics import GatewayMetrics

__all__ = ["AuthorizationRpc"]

# Services have no use for them, and a log that holds one holds a request that can be repeated.
_CREDENTIALS = (KEY_HEADER, TIMESTAMP_HEADER, WINDOW_HEADER, SIGNATURE_HEADER)


class AuthorizationRpc(AuthorizationServicer):
    """Answers every question: an error that has a name is a denial with a body, not a failed call."""

    def __init__(self, authenticator: Authenticator, *, metrics: GatewayMetrics) -> None:
        self._authenticator = authenticator
        self._metrics = metrics

    async def Check(  # noqa: N802
        self, request: pb.CheckRequest, context: grpc.aio.ServicerContext[pb.CheckRequest, pb.CheckResponse]
    ) -> pb.CheckResponse:
        """Who makes this request."""
        del context
        try:
            identity = await self._authenticator.identify(_request(request.attributes))
        except ServiceError as error:
            self._metrics.denied(error.name)
            return _denied(error)
        self._metrics.allowed()
        return _allowed(identity)


def _request(attributes: pb.AttributeContext) -> SignedRequest:
    http = attributes.request.http
    return SignedRequest(
        method=http.method,
        path=http.path,
        headers=http.headers,
        body=http.raw_body,
        address=attributes.source.address.socket_address.address,
    )


def _allowed(identity: Identity) -> pb.CheckResponse:
    headers = [_header(name, value) for name, value in identity.metadata()]
    answer = pb.OkHttpResponse(headers=headers, headers_to_remove=_CREDENTIALS)
    return pb.CheckResponse(status=pb.RpcStatus(code=0), ok_response=answer)


def _denied(error: ServiceError) -> pb.CheckResponse:
    answer = pb.DeniedHttpResponse(
        status=pb.HttpStatus(code=error.http_status),
        headers=[_header("content-type", "application/json")],
        body=json.dumps(error.as_json(trace_id=trace.trace_id())),
    )
    return pb.CheckResponse(status=pb.RpcStatus(code=status_of(error).value[0]), denied_response=answer)


def _header(name: str, value: str) -> pb.HeaderValueOption:
    return pb.HeaderValueOption(header=pb.HeaderValue(key=name, value=value))
