{{/* A token bucket from {perSecond, burst}. */}}
{{- define "outcry.envoy.bucket" -}}
max_tokens: {{ .burst }}
tokens_per_fill: {{ .perSecond }}
fill_interval: 1s
{{- end }}
