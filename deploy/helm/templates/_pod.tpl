{{- define "exporter.pod" -}}
restartPolicy: Never
serviceAccountName: {{ include "exporter.serviceAccountName" . }}
# The exporter asks Kubernetes for nothing.
automountServiceAccountToken: false
# A Service named kafka would put KAFKA_PORT and the like into the environment.
enableServiceLinks: false
{{- if not (kindIs "invalid" .Values.terminationGracePeriodSeconds) }}
terminationGracePeriodSeconds: {{ int .Values.terminationGracePeriodSeconds }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- range $field, $id := .Values.podSecurityContext }}
  {{- if not (kindIs "invalid" $id) }}
  {{ $field }}: {{ int $id }}
  {{- end }}
  {{- end }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: exporter
    image: {{ include "exporter.image" . | quote }}
    {{- with .Values.image.pullPolicy }}
    imagePullPolicy: {{ . }}
    {{- end }}
    args: [run]
    # The end of the log tells why a run failed, also where no log is kept.
    terminationMessagePolicy: FallbackToLogsOnError
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    envFrom:
      - configMapRef:
          name: {{ include "exporter.fullname" . }}
      {{- if and .Values.secret.name .Values.secret.env }}
      - secretRef:
          name: {{ .Values.secret.name }}
      {{- end }}
    env:
      - name: PIPELINE_SPILL
        value: /spill
      {{- if .Values.queries }}
      - name: EXPORT_QUERIES
        value: /etc/exporter/queries
      {{- end }}
      {{- if .Values.federatedToken.enabled }}
      - name: AZURE_FEDERATED_TOKEN_FILE
        value: /var/run/secrets/exporter/azure/token
      {{- end }}
      {{- range $variable, $key := .Values.secret.files }}
      - name: {{ $variable }}
        value: {{ printf "/etc/exporter/secret/%s" $key }}
      {{- end }}
    {{- with .Values.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      - name: spill
        mountPath: /spill
      {{- if .Values.queries }}
      - name: queries
        mountPath: /etc/exporter/queries
        readOnly: true
      {{- end }}
      {{- if .Values.secret.files }}
      - name: secret
        mountPath: /etc/exporter/secret
        readOnly: true
      {{- end }}
      {{- if .Values.federatedToken.enabled }}
      - name: azure-token
        mountPath: /var/run/secrets/exporter/azure
        readOnly: true
      {{- end }}
      {{- with .Values.extraVolumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
volumes:
  - name: spill
    emptyDir:
      {{- toYaml (default dict .Values.spill) | nindent 6 }}
  {{- if .Values.queries }}
  - name: queries
    configMap:
      name: {{ include "exporter.fullname" . }}-queries
  {{- end }}
  {{- if .Values.secret.files }}
  - name: secret
    secret:
      secretName: {{ .Values.secret.name }}
      # Readable by fsGroup and nobody else.
      defaultMode: 0440
  {{- end }}
  {{- if .Values.federatedToken.enabled }}
  - name: azure-token
    projected:
      sources:
        - serviceAccountToken:
            path: token
            audience: {{ .Values.federatedToken.audience }}
            {{- if not (kindIs "invalid" .Values.federatedToken.expirationSeconds) }}
            expirationSeconds: {{ int .Values.federatedToken.expirationSeconds }}
            {{- end }}
  {{- end }}
  {{- with .Values.extraVolumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
