{{/*
Edges of NetworkPolicies. A policy of a service names who may call it (`callers`, by name) and where it goes:
`calls` (services, by name) and `ports` (of Kafka, Consul and stores, inside the cluster or not). `wallets` lets
the wallet services of this namespace in, `callsWallets` lets calls out to them.
*/}}

{{- define "outcry.edges.dns" -}}
# The cluster's DNS, behind either of the usual ports.
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
    - {port: 1053, protocol: UDP}
    - {port: 1053, protocol: TCP}
{{- end }}

{{/* The port of a URL; every URL here has one, save Consul's. */}}
{{- define "outcry.url.port" -}}
{{- last (splitList ":" (urlParse .).host) -}}
{{- end }}

{{- define "outcry.ports.kafka" -}}
{{- include "outcry.kafka.ports" . | trim -}}
{{- end }}

{{- define "outcry.ports.consul" -}}
- {port: {{ include "outcry.consul.port" . }}, protocol: TCP}
{{- end }}

{{/* The ports of the order databases' servers, each once. */}}
{{- define "outcry.ports.shards" -}}
{{- $ports := list -}}
{{- range .Values.exchange.shards.servers -}}
{{- $ports = append $ports (include "outcry.url.port" .) -}}
{{- end -}}
{{- range uniq $ports | sortAlpha }}
- {port: {{ . }}, protocol: TCP}
{{- end }}
{{- end }}

{{- define "outcry.ports.ledger" -}}
- {port: {{ include "outcry.url.port" .Values.exchange.ledger }}, protocol: TCP}
{{- end }}

{{- define "outcry.ports.reviews" -}}
- {port: {{ include "outcry.url.port" .Values.exchange.withdrawals.reviews }}, protocol: TCP}
{{- end }}

{{- define "outcry.ports.redis" -}}
- {port: {{ include "outcry.url.port" .Values.exchange.redis }}, protocol: TCP}
{{- end }}

{{- define "outcry.service.policy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "outcry.service.labels" . | nindent 4 }}
  {{- with .hook }}
  annotations: {{- . | nindent 4 }}
  {{- end }}
spec:
  podSelector:
    matchLabels: {{- include "outcry.service.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  {{- if not .job }}
  ingress:
    - ports:
        - {port: metrics, protocol: TCP}
      from: {{- .root.Values.networkPolicy.metricsFrom | default (list (dict "namespaceSelector" (dict))) | toYaml | nindent 8 }}
    {{- with .callers }}
    - ports:
        - {port: grpc, protocol: TCP}
      from:
        {{- range . }}
        - podSelector:
            matchLabels: {{- include "outcry.service.selector" (dict "name" . "root" $.root) | nindent 14 }}
        {{- end }}
        {{- if $.wallets }}
        - podSelector:
            matchLabels: {app.kubernetes.io/name: outcry-wallet}
        {{- end }}
    {{- end }}
    {{- with .ingress }}
    {{- . | nindent 4 }}
    {{- end }}
  {{- end }}
  egress:
    {{- include "outcry.edges.dns" . | nindent 4 }}
    {{- range .calls }}
    - ports:
        - {port: 7080, protocol: TCP}
      to:
        - podSelector:
            matchLabels: {{- include "outcry.service.selector" (dict "name" . "root" $.root) | nindent 14 }}
    {{- end }}
    {{- if .callsWallets }}
    - ports:
        - {port: 7080, protocol: TCP}
      to:
        - podSelector:
            matchLabels: {app.kubernetes.io/name: outcry-wallet}
    {{- end }}
    {{- with .ports }}
    - ports:
        {{- range . }}
        {{- include (printf "outcry.ports.%s" .) $.root | trim | nindent 8 }}
        {{- end }}
    {{- end }}
    {{- with .root.Values.networkPolicy.extraEgress }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}
