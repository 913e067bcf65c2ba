{{/* Values that contradict each other, or lack what is needed: all of them at once, each with what to do. */}}
{{- define "zonekeeper.validate" -}}
{{- $problems := list -}}
{{- with .Values -}}
{{- $database := or .database.existingSecret.name .database.url -}}
{{- if and (not $database) (not .postgresql.enabled) -}}
{{- $problems = append $problems "No database: name a Secret in database.existingSecret.name (key database-url), or for a trial set database.url or postgresql.enabled." -}}
{{- end -}}
{{- if and .database.existingSecret.name .database.url -}}
{{- $problems = append $problems "Two databases: database.existingSecret.name and database.url. Remove one." -}}
{{- end -}}
{{- if and $database .postgresql.enabled -}}
{{- $problems = append $problems "Two databases: postgresql.enabled runs one in the release, and database names another. Remove one." -}}
{{- end -}}
{{- if and .postgresql.enabled (not .postgresql.password) -}}
{{- $problems = append $problems "postgresql.enabled needs postgresql.password: the chart makes none up." -}}
{{- end -}}
{{- if and (not .cloudflare.existingSecret.name) (not .cloudflare.token) -}}
{{- $problems = append $problems "No Cloudflare token: name a Secret in cloudflare.existingSecret.name (key cloudflare-api-token), or for a trial set cloudflare.token." -}}
{{- end -}}
{{- if and .cloudflare.existingSecret.name .cloudflare.token -}}
{{- $problems = append $problems "Two Cloudflare tokens: cloudflare.existingSecret.name and cloudflare.token. Remove one." -}}
{{- end -}}
{{- $token := or .api.existingSecret.name .api.token -}}
{{- if and (not $token) (not .api.anonymousRead) (ne .api.auth "kubernetes") -}}
{{- $problems = append $problems "Nobody could use the API: name a Secret in api.existingSecret.name (key api-token), set api.token for a trial, api.auth to kubernetes, or api.anonymousRead to true." -}}
{{- end -}}
{{- if and .api.existingSecret.name .api.token -}}
{{- $problems = append $problems "Two API tokens: api.existingSecret.name and api.token. Remove one." -}}
{{- end -}}
{{- if and .migrations.existingSecret.name (not .migrations.enabled) -}}
{{- $problems = append $problems "migrations.existingSecret is named, but migrations.enabled is false: nothing would use it." -}}
{{- end -}}
{{- if and .podDisruptionBudget.enabled (lt (int .replicas) 2) -}}
{{- $problems = append $problems "podDisruptionBudget.enabled needs replicas of 2 or more: with one, nodes could not be drained." -}}
{{- end -}}
{{- if and .ingress.enabled (not .ingress.hosts) -}}
{{- $problems = append $problems "ingress.enabled needs a name in ingress.hosts." -}}
{{- end -}}
{{- if and .httpRoute.enabled (not .httpRoute.parentRefs) -}}
{{- $problems = append $problems "httpRoute.enabled needs a gateway in httpRoute.parentRefs." -}}
{{- end -}}
{{- if and (ne (toString .metrics.serviceMonitor.enabled) "false") (ne (toString .metrics.podMonitor.enabled) "false") -}}
{{- $problems = append $problems "metrics.serviceMonitor and metrics.podMonitor would both collect the same metrics. Choose one." -}}
{{- end -}}
{{- if and (not .serviceAccount.create) (not .serviceAccount.name) (include "zonekeeper.usesKubernetes" $) .rbac.create -}}
{{- $problems = append $problems "The permissions would go to the service account default, and so to every Pod of the namespace: set serviceAccount.create or serviceAccount.name." -}}
{{- end -}}
{{- $grace := toString (default "10s" .config.shutdown_grace) -}}
{{- if and (regexMatch "^[0-9]+s$" $grace) (ge (trimSuffix "s" $grace | int) (int .terminationGracePeriodSeconds)) -}}
{{- $problems = append $problems (printf "config.shutdown_grace (%s) must be shorter than terminationGracePeriodSeconds (%d): Kubernetes would kill writes in flight." $grace (int .terminationGracePeriodSeconds)) -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n\nThe values cannot be right:\n  - %s\n" (join "\n  - " $problems)) -}}
{{- end -}}
{{- end -}}
