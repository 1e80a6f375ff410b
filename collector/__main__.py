"""The start of `enlace-collector`, and of `python -m collector`: Ctrl-C has its answer before anything is loaded."""

from agent.wire.interrupts import Quietly


def main() -> None:
    """Load the program, do what the command line says and end the process."""
    with Quietly():
        from collector.cli import main as begin

        begin()


if __name__ == "__main__":
    main()
