"""The entry of `enlace-agent`: what a person's words lead to, and the one place that turns faults into exit codes.

`--version` and `run` do without the library of commands: the one has to be quick, the other stays small for months.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NoReturn

from agent.commands.console import PROGRAM, agent_version, complain
from agent.errors import EnlaceError
from agent.wire import outputs, parents
from agent.wire.settings_file import SettingsError
from agent.wire.vocabulary import ExitCode


def main() -> NoReturn:
    """Do what the command line says and end the process."""
    outputs.open_closed()
    parents.follow()
    _speak_any_language()
    code = guarded(lambda: _dispatch(sys.argv[1:]))
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        outputs.drop()
    except OSError as error:
        code = code or ExitCode.FAULT
        _say_what_broke(error)
    sys.exit(code)


def _dispatch(words: Sequence[str]) -> int:
    if list(words) == ["--version"]:
        print(f"{PROGRAM} {agent_version()}")
        return ExitCode.DONE
    if list(words) == ["_ookla"]:  # a part of this program that runs apart: `agent.measure.engines.ookla`
        from agent.measure.engines.ookla_child import main as measure_by_speedtest_cli

        return measure_by_speedtest_cli()
    places = run_places(words)
    if places is not None:
        from agent.service import run_daemon

        return run_daemon(*places, version=agent_version())
    from agent import log
    from agent.commands.words import execute

    log.silence()
    return execute(list(words))


def run_places(words: Sequence[str]) -> tuple[Path | None, Path | None] | None:
    """Return --config and --data of a plain `run`; None = anything else, left to the library of commands."""
    places: dict[str, Path] = {}
    rest: list[str] = []
    waiting = list(words)
    while waiting:
        word = waiting.pop(0)
        name, is_joined, value = word.partition("=")
        if name not in ("--config", "--data"):
            rest.append(word)
            continue
        if not is_joined:
            if not waiting:
                return None
            value = waiting.pop(0)
        if not value.strip():
            return None
        places[name] = Path(value)
    return (places.get("--config"), places.get("--data")) if rest == ["run"] else None


def guarded(work: Callable[[], int]) -> int:
    """Return the exit code of some work; faults become one sentence on stderr, never a traceback."""
    try:
        return work()
    except EnlaceError as error:
        complain(error.sentence)
        return error.exit_code
    except SettingsError as error:
        complain(str(error))
        return ExitCode.USAGE
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader has seen enough
        outputs.drop()
        return ExitCode.DONE
    except OSError as error:
        _say_what_broke(error)
        return ExitCode.FAULT
    except UnicodeEncodeError:
        complain("A word or a name has bytes that are not UTF-8: nothing was done. Write it in UTF-8.")
        return ExitCode.USAGE
    except Exception as error:
        complain(f"A fault of this program: {type(error).__name__} at {_where(error)}. Please report it.")
        return ExitCode.FAULT


def _where(error: BaseException) -> str:
    """Return the innermost line of ours."""
    place, trace = "?", error.__traceback__
    while trace is not None:
        place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return place


def _speak_any_language() -> None:
    """Let no letter that a terminal lacks end a command."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def _say_what_broke(error: OSError) -> None:
    """Name the file that cannot be used; a fault without a file is the output's."""
    if error.filename is not None:
        complain(f"{error.filename}: {error.strerror}.")
        return
    complain(f"Cannot write the output ({error.strerror or error}).")
    outputs.drop()
