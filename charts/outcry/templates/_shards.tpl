{{/* Fails unless the ranges, in their order, cover 0 to 1023 once and name servers that are there. */}}
{{- define "outcry.shards.check" -}}
{{- $next := 0 -}}
{{- range .Values.exchange.shards.ranges -}}
{{- if ne (int (index . 0)) $next -}}
{{- fail (printf "exchange.shards.ranges: a range begins at %d where %d is next" (int (index . 0)) $next) -}}
{{- end -}}
{{- if lt (int (index . 1)) $next -}}
{{- fail (printf "exchange.shards.ranges: a range ends at %d, before its beginning" (int (index . 1))) -}}
{{- end -}}
{{- if not (hasKey $.Values.exchange.shards.servers (index . 2)) -}}
{{- fail (printf "exchange.shards.ranges: %s is none of exchange.shards.servers" (index . 2)) -}}
{{- end -}}
{{- $next = add1 (int (index . 1)) | int -}}
{{- end -}}
{{- if ne $next 1024 -}}
{{- fail (printf "exchange.shards.ranges: they end at %d, and 1023 is the last database" (sub $next 1)) -}}
{{- end -}}
{{- end }}
