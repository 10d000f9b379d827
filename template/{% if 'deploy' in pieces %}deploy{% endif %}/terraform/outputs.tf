output "namespace" {
  description = "Namespace of the release."
  value       = kubernetes_namespace_v1.this.metadata[0].name
}

output "model_version" {
  description = "Version of the model that is rolled out."
  value       = var.model_version
}
