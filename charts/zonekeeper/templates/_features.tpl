{{/* What is switched on. Each gives "true" or nothing. */}}

{{/* Does the daemon talk to Kubernetes at all? */}}
{{- define "zonekeeper.usesKubernetes" -}}
{{- if or (eq .Values.leaderElection.mode "kubernetes") .Values.events.enabled (eq .Values.api.auth "kubernetes") -}}true{{- end -}}
{{- end -}}

{{/* A switch of true, false or auto. Called with a list: the context, the switch, the group of kinds that it needs. */}}
{{- define "zonekeeper.wanted" -}}
{{- $wanted := toString (index . 1) -}}
{{- if or (eq $wanted "true") (and (eq $wanted "auto") ((index . 0).Capabilities.APIVersions.Has (index . 2))) -}}true{{- end -}}
{{- end -}}

{{- define "zonekeeper.leaseName" -}}
{{- default (include "zonekeeper.fullname" .) .Values.leaderElection.lease.name -}}
{{- end -}}

{{- define "zonekeeper.leaseNamespace" -}}
{{- default .Release.Namespace .Values.leaderElection.lease.namespace -}}
{{- end -}}

{{/* The Secret of the chart, for values that were given in plain text. */}}
{{- define "zonekeeper.ownSecret" -}}
{{- if or .Values.database.url .Values.postgresql.enabled .Values.cloudflare.token .Values.api.token -}}true{{- end -}}
{{- end -}}

{{- define "zonekeeper.databaseUrl" -}}
{{- if .Values.postgresql.enabled -}}
postgres://zonekeeper:{{ .Values.postgresql.password | urlquery | replace "+" "%20" }}@{{ include "zonekeeper.fullname" . }}-postgresql.{{ .Release.Namespace }}.svc:5432/zonekeeper
{{- else -}}
{{ .Values.database.url }}
{{- end -}}
{{- end -}}

{{/* Where browsers reach the page, as far as the chart knows. An Ingress without certificates may have them elsewhere, but answers in plain HTTP, too. */}}
{{- define "zonekeeper.pageUrl" -}}
{{- if .Values.dashboards.pageUrl -}}
{{ .Values.dashboards.pageUrl }}
{{- else if and .Values.ingress.enabled .Values.ingress.hosts -}}
{{ empty .Values.ingress.tls | ternary "http" "https" }}://{{ (first .Values.ingress.hosts).host }}
{{- else if and .Values.httpRoute.enabled .Values.httpRoute.hostnames -}}
https://{{ first .Values.httpRoute.hostnames }}
{{- else -}}
http://127.0.0.1:8080
{{- end -}}
{{- end -}}

{{/* What the daemon reads as its YAML file. Browsers may come by the names of Ingress and route. */}}
{{- define "zonekeeper.config" -}}
{{- $config := deepCopy .Values.config -}}
{{- $hosts := list -}}
{{- if .Values.ingress.enabled -}}
{{- range .Values.ingress.hosts }}{{ $hosts = append $hosts .host }}{{ end -}}
{{- end -}}
{{- if .Values.httpRoute.enabled -}}
{{- $hosts = concat $hosts .Values.httpRoute.hostnames -}}
{{- end -}}
{{- if and $hosts (not (hasKey $config "hosts")) -}}
{{- $_ := set $config "hosts" (uniq $hosts) -}}
{{- end -}}
{{- if $config }}{{ toYaml $config }}{{ else }}{}{{ end -}}
{{- end -}}

{{/*
Label matchers by which Prometheus knows the series of this release: its operator calls a job like the Service, or by
namespace and name of the PodMonitor. Where neither is ours, or both are, either may be so.
*/}}
{{- define "zonekeeper.series" -}}
{{- $metrics := .Values.metrics -}}
{{- if $metrics.prometheusRule.selector -}}
{{ $metrics.prometheusRule.selector }}
{{- else -}}
{{- $name := include "zonekeeper.fullname" . -}}
{{- $service := include "zonekeeper.wanted" (list . $metrics.serviceMonitor.enabled "monitoring.coreos.com/v1") -}}
{{- $pod := include "zonekeeper.wanted" (list . $metrics.podMonitor.enabled "monitoring.coreos.com/v1") -}}
namespace="{{ .Release.Namespace }}", job
{{- if eq $service $pod }}=~"({{ .Release.Namespace }}/)?{{ $name }}"
{{- else if $service }}="{{ $name }}"
{{- else }}="{{ .Release.Namespace }}/{{ $name }}"
{{- end -}}
{{- end -}}
{{- end -}}
