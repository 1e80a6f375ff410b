"""The command that tells whether a signed pack is as the collector made it. Hung under the command line by `cli`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import click

from agent.wire import forms, infile, signing
from agent.wire.vocabulary import ExitCode
from collector.commands.common import Anywhere, Given, Place
from collector.errors import CollectorError
from collector.publish import packs
from collector.publish.packs import Checked, Verdict

_KEYS_BYTES: Final = 65_536  # of a file with public keys
_ENDS: Final = {
    Verdict.RIGHT: ExitCode.DONE,
    Verdict.ALTERED: ExitCode.FAULT,
    Verdict.NO_PACK: ExitCode.USAGE,
    Verdict.UNKNOWN_KEY: ExitCode.REFUSED,
}


def add_to(cli: click.Group, anywhere: Anywhere) -> None:
    """Add the command.

    Args:
        cli: The command line.
        anywhere: Gives a command the options that every command takes.
    """

    @cli.command()
    @click.argument("file", type=Place(path_type=Path))
    @click.option(
        "--key",
        "given_keys",
        multiple=True,
        help="Public key that is believed, or a file with such keys; else those of this collector's database.",
    )
    @anywhere
    @click.pass_obj
    def verify(given: Given, file: Path, given_keys: tuple[str, ...]) -> int:
        """Tell whether an evidence pack is, byte for byte, as the collector signed it.

        Exit codes: 0 it is; 1 it was altered; 2 it is no pack, or cannot be read; 4 it names a key that is not known.
        With --key nothing else is needed: no database and no network.
        """
        known = _given(given_keys) if given_keys else _stored(given)
        checked = packs.check(_read(file), known.get)
        click.echo(_sentence(file, checked, is_given=bool(given_keys)), err=checked.verdict is not Verdict.RIGHT)
        return _ENDS[checked.verdict]


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            raw = opened.read(packs.LARGEST_BYTES + 1)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise CollectorError(f"{file} cannot be read ({why}).", exit_code=ExitCode.USAGE) from error
    if len(raw) > packs.LARGEST_BYTES:
        raise CollectorError(f"{file} is larger than any evidence pack.", exit_code=ExitCode.USAGE)
    return raw


def _given(texts: tuple[str, ...]) -> Mapping[str, bytes]:
    """Return the keys of the command line by their ids.

    Raises:
        CollectorError: If one is none.
    """
    known: dict[str, bytes] = {}
    for text in texts:
        found = signing.public_keys_in(_text_of(text))
        if not found:
            raise CollectorError(
                f"{text[:80]!r} is no public key and no file with one.",
                do="Take the text that `enlace-collector key list` shows.",
                exit_code=ExitCode.USAGE,
            )
        known |= {signing.key_id(key): key for key in found}
    return known


def _text_of(text: str) -> str:
    try:
        return infile.read(Path(text), _KEYS_BYTES).decode("ascii")
    except (OSError, ValueError):
        return text


def _stored(given: Given) -> Mapping[str, bytes]:
    """Return every key of the database, old ones too: what they signed stays signed."""
    from collector import operate

    return {
        one.key_id: forms.unb64url(one.public_key, signing.PUBLIC_KEY_BYTES) for one in operate.list_keys(given.store())
    }


def _sentence(file: Path, checked: Checked, *, is_given: bool) -> str:
    match checked.verdict:
        case Verdict.RIGHT:
            said = checked.says or {}
            return (
                f"{file} is as the collector signed it with key {checked.key_id}: school {said.get('school')}, "
                f"{said.get('first_day')} to {said.get('last_day')}, {said.get('counted')} of {said.get('needed')} "
                f"tests, rows {said.get('rows_sha256')}."
            )
        case Verdict.ALTERED:
            return f"{file} was altered after it was signed, or its signature is not of key {checked.key_id}."
        case Verdict.UNKNOWN_KEY:
            where = "given with --key" if is_given else "of this collector"
            return f"{file} names the key {checked.key_id}, which is none {where}: nothing can be said of it."
        case Verdict.NO_PACK:
            return f"{file} is no evidence pack, or its mark was altered."
