resource "kubernetes_namespace_v1" "this" {
  metadata {
    name = var.namespace
    labels = {
      "pod-security.kubernetes.io/enforce" = "restricted"
    }
  }
}

resource "kubernetes_secret_v1" "tokens" {
  count = length(var.token_hashes) > 0 ? 1 : 0

  metadata {
    name      = "${var.name}-tokens"
    namespace = kubernetes_namespace_v1.this.metadata[0].name
  }

  data = {
    SERVE_TOKENS = join(",", var.token_hashes)
  }
}

resource "helm_release" "this" {
  name      = var.name
  namespace = kubernetes_namespace_v1.this.metadata[0].name
  chart     = "${path.module}/../chart"
  atomic    = true

  values = [
    yamlencode(var.values),
    yamlencode({
      image = {
        repository = var.image
        tag        = var.model_version
      }
    }),
    yamlencode(length(var.token_hashes) == 0 ? {} : {
      access = {
        tokensSecret = kubernetes_secret_v1.tokens[0].metadata[0].name
      }
      # Pods read the Secret when they start.
      podAnnotations = {
        "checksum/tokens" = sha256(join(",", var.token_hashes))
      }
    }),
  ]
}
