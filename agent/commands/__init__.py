"""The words of `enlace-agent`, what they do, and how it is shown."""
