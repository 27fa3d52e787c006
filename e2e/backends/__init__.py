"""Real backends as plain processes, for tests below the cluster: Kafka, Consul, the Kubernetes API."""
