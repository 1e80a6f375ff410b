"""`python -m agent` is `enlace-agent`."""

from agent.cli import main

main()
