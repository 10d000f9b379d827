locals {
  chart = "${path.module}/../chart"

  # A changed template has to roll the pods out, as a changed token has: they read the Secret when they start.
  checksums = {
    "checksum/chart"  = sha256(join("", [for file in sort(fileset(local.chart, "**")) : filesha256("${local.chart}/${file}")]))
    "checksum/tokens" = sha256(join(",", var.token_hashes))
  }
}

resource "kubernetes_namespace_v1" "this" {
  count = var.create_namespace ? 1 : 0

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
    namespace = var.namespace
  }

  data = {
    SERVE_TOKENS = join(",", var.token_hashes)
  }

  depends_on = [kubernetes_namespace_v1.this]
}

resource "helm_release" "this" {
  name      = var.name
  namespace = var.namespace
  chart     = local.chart
  atomic    = true
  timeout   = var.timeout_seconds

  values = [
    yamlencode(var.values),
    yamlencode({
      image = {
        repository = var.image
        tag        = var.model_version
      }
      podAnnotations = local.checksums
    }),
    yamlencode(length(var.token_hashes) == 0 ? {} : {
      access = {
        tokensSecret = kubernetes_secret_v1.tokens[0].metadata[0].name
      }
    }),
  ]

  depends_on = [kubernetes_namespace_v1.this]
}
