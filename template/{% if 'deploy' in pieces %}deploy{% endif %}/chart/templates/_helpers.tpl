{{/* The name of everything that the chart makes. */}}
{{- define "name" -}}
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
app.kubernetes.io/version: {{ .Values.image.tag | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end -}}

{{/* What a pod is made of, whoever makes it. */}}
{{- define "pod" -}}
{{- if not (or .Values.access.tokensSecret .Values.access.issuer) -}}
{{- fail "set access.tokensSecret or access.issuer: others can reach the service, so it asks for tokens" -}}
{{- end -}}
{{- if ne (empty .Values.access.issuer) (empty .Values.access.audience) -}}
{{- fail "set both access.issuer and access.audience, or neither" -}}
{{- end -}}
serviceAccountName: {{ include "name" . }}
automountServiceAccountToken: false
terminationGracePeriodSeconds: 30
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
containers:
  - name: {{ .container }}
    image: "{{ .Values.image.repository }}:{{ required "set image.tag to the version" .Values.image.tag }}"
    imagePullPolicy: {{ .Values.image.pullPolicy }}
    ports:
      - name: http
        containerPort: 8000
        protocol: TCP
    {{- with .Values.access.tokensSecret }}
    envFrom:
      - secretRef:
          name: {{ . }}
    {{- end }}
    {{- if or .Values.access.issuer .Values.settings }}
    env:
      {{- with .Values.access.issuer }}
      - name: SERVE_ISSUER
        value: {{ . | quote }}
      - name: SERVE_AUDIENCE
        value: {{ $.Values.access.audience | quote }}
      {{- end }}
      {{- range $name, $value := .Values.settings }}
      - name: {{ $name }}
        value: {{ $value | quote }}
      {{- end }}
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
    volumeMounts:
      - name: kept
        mountPath: /served
volumes:
  - name: kept
    {{- if .Values.keptClaim }}
    persistentVolumeClaim:
      claimName: {{ .Values.keptClaim }}
    {{- else }}
    emptyDir:
      sizeLimit: 1Gi
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
