{{/* What the container of the daemon and that of the migration have in common. */}}

{{- define "zonekeeper.env" -}}
- name: ZONEKEEPER_CONFIG
  value: /etc/zonekeeper/config/zonekeeper.yaml
- name: ZONEKEEPER_LISTEN
  # All interfaces, IPv4 and IPv6.
  value: ":8080"
- name: CLOUDFLARE_API_TOKEN_FILE
  value: /etc/zonekeeper/secrets/cloudflare-api-token
{{- if or .Values.api.existingSecret.name .Values.api.token }}
- name: ZONEKEEPER_API_TOKEN_FILE
  value: /etc/zonekeeper/secrets/api-token
{{- end }}
{{- if .Values.api.anonymousRead }}
- name: ZONEKEEPER_ALLOW_ANONYMOUS
  value: read
{{- end }}
{{- if eq .Values.api.auth "kubernetes" }}
- name: ZONEKEEPER_API_AUTH
  value: kubernetes
{{- end }}
{{- if eq .Values.leaderElection.mode "kubernetes" }}
- name: ZONEKEEPER_LEADER_ELECTION
  value: kubernetes
- name: ZONEKEEPER_LEASE_NAME
  value: {{ include "zonekeeper.leaseName" . }}
- name: ZONEKEEPER_LEASE_NAMESPACE
  value: {{ include "zonekeeper.leaseNamespace" . }}
{{- end }}
{{- if .Values.events.enabled }}
- name: ZONEKEEPER_EVENTS
  value: "true"
{{- with .Values.events.object }}
- name: ZONEKEEPER_EVENTS_OBJECT
  value: {{ . }}
{{- end }}
{{- end }}
{{- if include "zonekeeper.usesKubernetes" . }}
- name: POD_NAME
  valueFrom: { fieldRef: { fieldPath: metadata.name } }
- name: POD_NAMESPACE
  valueFrom: { fieldRef: { fieldPath: metadata.namespace } }
- name: POD_UID
  valueFrom: { fieldRef: { fieldPath: metadata.uid } }
{{- end }}
{{- with .Values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "zonekeeper.container" -}}
image: {{ include "zonekeeper.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
resources:
  {{- toYaml .Values.resources | nindent 2 }}
{{- with .Values.extraEnvFrom }}
envFrom:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "zonekeeper.mounts" -}}
- name: config
  mountPath: /etc/zonekeeper/config
  readOnly: true
# Not subPath: what is mounted so does not follow a change of the Secret.
- name: secrets
  mountPath: /etc/zonekeeper/secrets
  readOnly: true
- name: tmp
  mountPath: /tmp
{{- with .Values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* One Secret as files of the projected volume. Called with a list: the Secret, its key, the file. */}}
{{- define "zonekeeper.secretFile" -}}
- secret:
    name: {{ index . 0 }}
    items:
      - key: {{ index . 1 }}
        path: {{ index . 2 }}
{{- end -}}

{{- define "zonekeeper.volumes" -}}
{{- $own := include "zonekeeper.fullname" . -}}
- name: config
  configMap:
    name: {{ $own }}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- with .Values.database.existingSecret }}
      {{- include "zonekeeper.secretFile" (list (default $own .name) (empty .name | ternary "database-url" .key) "database-url") | nindent 6 }}
      {{- end }}
      {{- with .Values.cloudflare.existingSecret }}
      {{- include "zonekeeper.secretFile" (list (default $own .name) (empty .name | ternary "cloudflare-api-token" .key) "cloudflare-api-token") | nindent 6 }}
      {{- end }}
      {{- if or .Values.api.existingSecret.name .Values.api.token }}
      {{- with .Values.api.existingSecret }}
      {{- include "zonekeeper.secretFile" (list (default $own .name) (empty .name | ternary "api-token" .key) "api-token") | nindent 6 }}
      {{- end }}
      {{- end }}
{{- with .Values.migrations.existingSecret }}
{{- if .name }}
# Only the init container sees it.
- name: migration-secrets
  projected:
    defaultMode: 0440
    sources:
      {{- include "zonekeeper.secretFile" (list .name .key "database-url") | nindent 6 }}
{{- end }}
{{- end }}
- name: tmp
  emptyDir:
    sizeLimit: 32Mi
{{- with .Values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end -}}
