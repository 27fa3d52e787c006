"""The gateway's own service: Envoy asks it who signed a request, and whether that is so.

Envoy does the rest (TLS, sessions, limits, transcoding); `docs/services/gateway.md` has the whole.
"""
