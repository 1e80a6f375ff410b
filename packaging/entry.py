"""Start of the built program."""

from agent.cli import main

main()
