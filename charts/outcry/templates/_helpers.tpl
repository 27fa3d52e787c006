{{- define "outcry.operator.selector" -}}
app.kubernetes.io/name: outcry-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "outcry.operator.labels" -}}
{{ include "outcry.operator.selector" . }}
app.kubernetes.io/component: operator
{{ include "outcry.labels" . }}
{{- end }}

{{- define "outcry.labels" -}}
app.kubernetes.io/part-of: outcry
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* Name of what is outside any namespace: two releases on one cluster must not share it. */}}
{{- define "outcry.operator.cluster-name" -}}
outcry-operator:{{ .Release.Namespace }}
{{- end }}

{{/* The ports of Kafka's bootstrap servers, each once, as entries of a NetworkPolicy. */}}
{{- define "outcry.kafka.ports" -}}
{{- $ports := list -}}
{{- range splitList "," .Values.kafka.bootstrap -}}
{{- $ports = append $ports (last (splitList ":" .)) -}}
{{- end -}}
{{- range uniq $ports }}
- {port: {{ . }}, protocol: TCP}
{{- end }}
{{- end }}

{{/* The port of Consul's URL, which its scheme may imply. */}}
{{- define "outcry.consul.port" -}}
{{- $url := urlParse .Values.consul.url -}}
{{- $host := splitList ":" $url.host -}}
{{- if gt (len $host) 1 -}}{{ last $host }}{{- else -}}{{ ternary "443" "80" (eq $url.scheme "https") }}{{- end -}}
{{- end }}
