"""The start of `enlace-agent`, and of `python -m agent`: Ctrl-C has its answer before anything else is loaded."""

from agent.wire.interrupts import Quietly


def main() -> None:
    """Load the program, do what the command line says and end the process."""
    with Quietly():
        from agent.commands.cli import main as begin

        begin()


if __name__ == "__main__":
    main()
