output "namespace" {
  description = "Namespace of the release."
  value       = helm_release.this.namespace
}

output "model_version" {
  description = "Version of the model that is rolled out."
  value       = var.model_version
}
