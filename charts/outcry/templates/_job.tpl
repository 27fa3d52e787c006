{{/*
A job that runs before anything is installed or upgraded: nothing of the release is there yet, so it brings its
own way through the network. Takes what a service does, `weight` (jobs run by it, one after the other), `command`
and `seconds`, how long it may take.
*/}}
{{- define "outcry.job" -}}
{{- $job := merge (dict "component" "job" "job" true "hook" (include "outcry.job.hook" .)) . -}}
{{- if .root.Values.networkPolicy.enabled }}
{{ include "outcry.service.policy" $job }}
---
{{- end }}
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "outcry.service.labels" $job | nindent 4 }}
  annotations: {{- include "outcry.job.hook" . | nindent 4 }}
spec:
  backoffLimit: 10
  activeDeadlineSeconds: {{ .seconds }}
  template:
    metadata:
      labels: {{- include "outcry.service.labels" $job | nindent 8 }}
    spec:
      restartPolicy: OnFailure
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with include "outcry.service.placement" .root.Values.services | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      securityContext: {{- include "outcry.pod-security" . | nindent 8 }}
      containers:
        - name: {{ .name }}
          image: {{ .root.Values.services.image | quote }}
          imagePullPolicy: {{ .root.Values.imagePullPolicy }}
          command: {{ .command | toJson }}
          env: {{- .env | nindent 12 }}
          resources:
            requests: {memory: 64Mi}
            limits: {memory: 192Mi}
          securityContext: {{- include "outcry.container-security" . | nindent 12 }}
          {{- with .mounts }}
          volumeMounts: {{- . | nindent 12 }}
          {{- end }}
      {{- with .volumes }}
      volumes: {{- . | nindent 8 }}
      {{- end }}
{{- end }}

{{/* A policy comes before the job that it is for: equal weights go by kind. */}}
{{- define "outcry.job.hook" -}}
helm.sh/hook: pre-install,pre-upgrade
helm.sh/hook-weight: {{ .weight | quote }}
helm.sh/hook-delete-policy: before-hook-creation
{{- end }}
