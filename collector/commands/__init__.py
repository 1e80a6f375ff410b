"""The groups of commands of `enlace-collector`, each hung under it by `collector.cli`."""
