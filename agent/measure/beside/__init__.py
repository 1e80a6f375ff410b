"""What goes on beside a test: other traffic, who opens TLS, what it costs, whether this computer keeps up."""
