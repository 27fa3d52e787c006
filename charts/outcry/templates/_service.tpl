{{/*
A service of Outcry: what runs, what it may reach and who may reach it. Each template below takes
  (dict "root" $ "name" "order" …)
and the one word `name` is the Deployment's, the Service's, the ServiceAccount's and the package's.
*/}}

{{- define "outcry.service.selector" -}}
app.kubernetes.io/name: {{ .name }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- end }}

{{- define "outcry.service.labels" -}}
{{ include "outcry.service.selector" . }}
app.kubernetes.io/component: {{ .component | default "service" }}
{{ include "outcry.labels" .root }}
{{- end }}

{{- define "outcry.pod-security" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "outcry.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{/* Where pods of services go: pass `.Values.services`. */}}
{{- define "outcry.service.placement" -}}
{{- with .priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with .nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "outcry.service.account" -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "outcry.service.labels" . | nindent 4 }}
automountServiceAccountToken: false
{{- end }}

{{/* One voluntary disruption at a time; a single replica may be moved, since nothing acknowledged is lost. */}}
{{- define "outcry.service.budget" -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "outcry.service.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "outcry.service.selector" . | nindent 6 }}
{{- end }}

{{- define "outcry.service.service" -}}
apiVersion: v1
kind: Service
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "outcry.service.labels" . | nindent 4 }}
spec:
  # Without an address of its own: gRPC keeps its connections, so callers choose among the pods themselves.
  clusterIP: None
  selector: {{- include "outcry.service.selector" . | nindent 4 }}
  ports:
    - {name: grpc, port: 7080, targetPort: grpc}
    - {name: metrics, port: 9090, targetPort: metrics}
{{- end }}

{{/* Variables that every service knows. */}}
{{- define "outcry.service.env" -}}
- {name: OUTCRY_KAFKA, value: {{ .root.Values.kafka.bootstrap | quote }}}
- {name: OUTCRY_CONSUL, value: {{ .root.Values.consul.url | quote }}}
- name: OUTCRY_REPLICA
  valueFrom: {fieldRef: {fieldPath: metadata.name}}
- {name: OUTCRY_LOG_LEVEL, value: {{ .root.Values.services.logLevel | quote }}}
- {name: OUTCRY_DRAIN_SECONDS, value: {{ .root.Values.services.drainSeconds | quote }}}
{{- end }}

{{/* A MySQL user and the file of its password, in a volume `mysql`. */}}
{{- define "outcry.mysql.env" -}}
- {name: OUTCRY_MYSQL_USER, value: {{ .name }}}
- {name: OUTCRY_MYSQL_PASSWORD_FILE, value: /secrets/mysql/password}
{{- end }}

{{- define "outcry.mysql.volume" -}}
- name: mysql
  secret:
    secretName: {{ .root.Values.exchange.secrets.mysql }}
    defaultMode: 0440
    items: [{key: {{ .name }}, path: password}]
{{- end }}

{{- define "outcry.mysql.mount" -}}
- {name: mysql, mountPath: /secrets/mysql, readOnly: true}
{{- end }}

{{- define "outcry.redis.env" -}}
- {name: OUTCRY_REDIS, value: {{ .root.Values.exchange.redis | quote }}}
- {name: OUTCRY_REDIS_PASSWORD_FILE, value: /secrets/redis/password}
{{- end }}

{{- define "outcry.redis.volume" -}}
- name: redis
  secret:
    secretName: {{ .root.Values.exchange.secrets.redis }}
    defaultMode: 0440
    items: [{key: password, path: password}]
{{- end }}

{{- define "outcry.redis.mount" -}}
- {name: redis, mountPath: /secrets/redis, readOnly: true}
{{- end }}

{{/*
The Deployment. `env`, `mounts` and `volumes` are text, already rendered; `checksum` names what else must
roll the pods when it changes.
*/}}
{{- define "outcry.service.deployment" -}}
{{- $services := .root.Values.services -}}
{{- $own := index $services .name -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .name }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{- include "outcry.service.labels" . | nindent 4 }}
spec:
  replicas: {{ .replicas | default 1 }}
  # `Recreate` where a second writer would only repeat the work of the first.
  strategy: {type: {{ .strategy }}}
  revisionHistoryLimit: 3
  selector:
    matchLabels: {{- include "outcry.service.selector" . | nindent 6 }}
  template:
    metadata:
      labels: {{- include "outcry.service.labels" . | nindent 8 }}
      {{- with .checksum }}
      annotations:
        outcry.trade/config: {{ . }}
      {{- end }}
    spec:
      serviceAccountName: {{ .name }}
      automountServiceAccountToken: false
      enableServiceLinks: false
      # Above what a drain may take.
      terminationGracePeriodSeconds: {{ add (ceil $services.drainSeconds) 10 }}
      {{- with include "outcry.service.placement" $services | trim }}
      {{- . | nindent 6 }}
      {{- end }}
      securityContext: {{- include "outcry.pod-security" . | nindent 8 }}
      {{- with .init }}
      initContainers: {{- . | nindent 8 }}
      {{- end }}
      containers:
        - name: {{ .name }}
          image: {{ $services.image | quote }}
          imagePullPolicy: {{ .root.Values.imagePullPolicy }}
          command: [python3, -m, outcry_services.{{ .name }}]
          env:
            {{- include "outcry.service.env" . | nindent 12 }}
            {{- with .env }}
            {{- . | nindent 12 }}
            {{- end }}
            {{- range $variable, $value := $own.env }}
            - {name: {{ $variable }}, value: {{ $value | quote }}}
            {{- end }}
          ports:
            - {name: grpc, containerPort: 7080}
            - {name: metrics, containerPort: 9090}
          startupProbe:
            httpGet: {path: /healthz, port: metrics}
            periodSeconds: 1
            failureThreshold: 120
          livenessProbe:
            httpGet: {path: /healthz, port: metrics}
            periodSeconds: 10
            timeoutSeconds: 5
            failureThreshold: 6
          readinessProbe:
            httpGet: {path: /readyz, port: metrics}
            periodSeconds: 2
            timeoutSeconds: 2
          resources: {{- toYaml $own.resources | nindent 12 }}
          securityContext: {{- include "outcry.container-security" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            {{- with .mounts }}
            {{- . | nindent 12 }}
            {{- end }}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: 16Mi}
        {{- with .volumes }}
        {{- . | nindent 8 }}
        {{- end }}
{{- end }}
