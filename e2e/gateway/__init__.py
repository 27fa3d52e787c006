"""The whole gateway as processes: Envoy as the chart configures it, its authorization service, a client."""
