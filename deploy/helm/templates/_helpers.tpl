{{- define "exporter.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- /* A CronJob's name has 52 characters at most: its jobs add eleven. */}}
{{- define "exporter.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- $name := include "exporter.name" . }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 52 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 52 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "exporter.selectorLabels" -}}
app.kubernetes.io/name: {{ include "exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "exporter.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "exporter.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "exporter.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "exporter.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "exporter.image" -}}
{{- if .Values.image.digest }}
{{- printf "%s@%s" .Values.image.repository .Values.image.digest }}
{{- else }}
{{- printf "%s:%s" .Values.image.repository (default .Chart.AppVersion .Values.image.tag) }}
{{- end }}
{{- end }}

{{- /* A setting as text. Helm reads numbers as floating point: 5e+06 is no count. */}}
{{- define "exporter.text" -}}
{{- if kindIs "float64" . }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{- /* EXPORT_DEADLINE in seconds; the schema allows one number with one unit. */}}
{{- define "exporter.deadlineSeconds" -}}
{{- $text := toString (default "0" .Values.settings.EXPORT_DEADLINE) }}
{{- $number := regexFind "^[0-9]+" $text | int }}
{{- if hasSuffix "h" $text }}{{ mul $number 3600 }}
{{- else if hasSuffix "m" $text }}{{ mul $number 60 }}
{{- else }}{{ $number }}
{{- end }}
{{- end }}

{{- /* What does not fit together stops the installation, not the first run. */}}
{{- define "exporter.check" -}}
{{- $deadline := include "exporter.deadlineSeconds" . | int }}
{{- if not (kindIs "invalid" .Values.activeDeadlineSeconds) }}
{{- $most := int .Values.activeDeadlineSeconds }}
{{- if eq $deadline 0 }}
{{- fail (printf "EXPORT_DEADLINE is 0, a run until it has caught up, which activeDeadlineSeconds (%d) would kill before it commits: set a shorter EXPORT_DEADLINE, or activeDeadlineSeconds to null" $most) }}
{{- else if ge $deadline $most }}
{{- fail (printf "activeDeadlineSeconds (%d) must be greater than EXPORT_DEADLINE (%d s): the run would be killed before it commits; set %d or more" $most $deadline (add $deadline 300)) }}
{{- end }}
{{- end }}
{{- if and .Values.secret.files (not .Values.secret.name) }}
{{- fail "secret.files needs secret.name, the existing Secret that holds the keys" }}
{{- end }}
{{- range $variable, $key := .Values.secret.files }}
{{- if hasKey $.Values.settings $variable }}
{{- fail (printf "%s is set in settings and in secret.files: remove one" $variable) }}
{{- end }}
{{- end }}
{{- end }}
