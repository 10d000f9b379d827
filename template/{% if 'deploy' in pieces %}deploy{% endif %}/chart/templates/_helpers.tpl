{{/* The name of everything that the chart makes. */}}
{{- define "name" -}}
{{- if not (regexMatch "^[a-z][-a-z0-9]*$" .Release.Name) -}}
{{- fail "the name of the release has to begin with a letter, and to hold small letters, digits and - only" -}}
{{- end -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* The labels that select the pods. */}}
{{- define "selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{/* All labels. */}}
{{- define "labels" -}}
{{ include "selector" . }}
app.kubernetes.io/version: {{ include "text" .Values.image.tag | trunc 63 | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* A value as text: a file of values has whole numbers as floating-point numbers. */}}
{{- define "text" -}}
{{- kindIs "string" . | ternary . (toJson .) -}}
{{- end -}}

{{/* What a pod is made of, whoever makes it. */}}
{{- define "pod" -}}
{{- if not (or .Values.access.tokensSecret .Values.access.issuer) -}}
{{- fail "set access.tokensSecret or access.issuer: others can reach the service, so it asks for tokens" -}}
{{- end -}}
{{- if ne (empty .Values.access.issuer) (empty .Values.access.audience) -}}
{{- fail "set both access.issuer and access.audience, or neither" -}}
{{- end -}}
{{- $tag := required "set image.tag to the version" .Values.image.tag -}}
{{- $image := printf "%s:%s" .Values.image.repository (include "text" $tag) -}}
{{- $timeout := int (index .Values.settings "SERVE_TIMEOUT_SECONDS" | default 10) -}}
serviceAccountName: {{ include "name" . }}
automountServiceAccountToken: false
{{- /* Requests may arrive and be answered for as long, and what waits is written. */}}
terminationGracePeriodSeconds: {{ add 25 (mul 2 $timeout) }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . | quote }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: {{ .container }}
    image: {{ .Values.image.digest | empty | ternary $image (printf "%s@%s" $image .Values.image.digest) | quote }}
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    ports:
      - name: http
        containerPort: 8000
        protocol: TCP
    env:
      - name: SERVE_KEEP
        value: {{ .Values.keptClaim | empty | ternary "false" "true" | quote }}
      {{- with .Values.access.tokensSecret }}
      - name: SERVE_TOKENS
        valueFrom:
          secretKeyRef:
            name: {{ . | quote }}
            key: SERVE_TOKENS
      {{- end }}
      {{- with .Values.access.issuer }}
      - name: SERVE_ISSUER
        value: {{ . | quote }}
      - name: SERVE_AUDIENCE
        value: {{ $.Values.access.audience | quote }}
      {{- end }}
      {{- range $name, $value := .Values.settings }}
      - name: {{ $name }}
        value: {{ include "text" $value | quote }}
      {{- end }}
      {{- with .Values.extra.env }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    startupProbe:
      httpGet:
        path: /v2/health/ready
        port: 8000
      periodSeconds: 2
      failureThreshold: {{ div (add .Values.probes.startupSeconds 1) 2 }}
    readinessProbe:
      httpGet:
        path: /v2/health/ready
        port: 8000
      periodSeconds: {{ .Values.probes.periodSeconds }}
      timeoutSeconds: {{ .Values.probes.timeoutSeconds }}
      failureThreshold: {{ .Values.probes.failureThreshold }}
    livenessProbe:
      httpGet:
        path: /v2/health/live
        port: 8000
      periodSeconds: {{ mul .Values.probes.periodSeconds 2 }}
      timeoutSeconds: {{ .Values.probes.timeoutSeconds }}
      failureThreshold: {{ .Values.probes.failureThreshold }}
    {{- /* Requests arrive until all nodes know that the pod ends. */}}
    lifecycle:
      preStop:
        exec:
          command: [sleep, "5"]
    resources:
      {{- toYaml .Values.resources | nindent 6 }}
    securityContext:
      allowPrivilegeEscalation: false
      readOnlyRootFilesystem: true
      capabilities:
        drop: [ALL]
    {{- if or .Values.keptClaim .Values.extra.volumeMounts }}
    volumeMounts:
      {{- if .Values.keptClaim }}
      - name: kept
        mountPath: /served
      {{- end }}
      {{- with .Values.extra.volumeMounts }}
      {{- toYaml . | nindent 6 }}
      {{- end }}
    {{- end }}
{{- if or .Values.keptClaim .Values.extra.volumes }}
volumes:
  {{- with .Values.keptClaim }}
  - name: kept
    persistentVolumeClaim:
      claimName: {{ . | quote }}
  {{- end }}
  {{- with .Values.extra.volumes }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}
