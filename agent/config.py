"""The table [agent] of the configuration file. Every key has a default, a range and a comment in the example file."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agent.wire import settings_file, settings_values
from agent.wire.records import Bound

_MB = 1_000_000
_FEWEST_USEFUL_BYTES = 250_000  # `schedule.budget` makes no test of less
NAME_CHARS = 253

EngineChoice = Literal["auto", "ndt7", "librespeed", "ookla"]
LogLevel = Literal["debug", "info", "warning", "error"]


class AgentConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What a technician may decide on this computer; the collector's settings decide the rest."""

    # Where to
    collector_url: str = ""  # "" = the one that `enrol` was told
    servers: list[str] = []  # test points to use without a collector's word
    engine: EngineChoice = "auto"
    proxy: str = ""  # "" = from the environment, "none" = never, else a URL; control traffic only

    # Where things are kept
    data: str = ""  # "" = the usual place of this operating system
    log_level: LogLevel = "info"

    # What it may cost
    metered: bool = False  # the line is paid by volume: the two metered caps replace the next two
    day_bytes: Annotated[int, Bound(0, 1_000_000 * _MB)] = 300 * _MB  # 0 = no test ever
    month_bytes: Annotated[int, Bound(0, 1_000_000 * _MB)] = 4_000 * _MB
    metered_day_bytes: Annotated[int, Bound(0, 1_000_000 * _MB)] = 20 * _MB
    metered_month_bytes: Annotated[int, Bound(0, 1_000_000 * _MB)] = 400 * _MB
    max_bytes_direction: Annotated[int, Bound(_FEWEST_USEFUL_BYTES, 10_000 * _MB)] = 100 * _MB  # of one test, each way
    min_free_disk_bytes: Annotated[int, Bound(0, 1_000_000 * _MB)] = _MB  # less room: no test

    # When
    first_test_within_s: Annotated[float, Bound(0, 86_400)] = 900  # after start, at a random moment
    tests_per_window: Annotated[int, Bound(1, 48)] = 2  # the collector's settings go before it
    test_interval_s: Annotated[float, Bound(0, 7 * 86_400)] = 0  # 0 = by the day's windows; else that far apart
    alone_spread_s: Annotated[float, Bound(0, 86_400)] = 600  # without a collector's word a test waits up to this
    light_interval_s: Annotated[float, Bound(1, 3_600)] = 900  # gateway, server, DNS; also the heartbeat
    settings_interval_s: Annotated[float, Bound(1, 7 * 86_400)] = 21_600
    retry_base_s: Annotated[float, Bound(0.1, 3_600)] = 30  # of the wait after a failed contact
    retry_cap_s: Annotated[float, Bound(1, 86_400)] = 3_600
    start_spread_s: Annotated[float, Bound(0, 86_400)] = 900  # a backlog after a failed contact waits up to this

    @property
    def day_cap_bytes(self) -> int:
        """The day's budget in force."""
        return min(self.day_bytes, self.metered_day_bytes) if self.metered else self.day_bytes

    @property
    def month_cap_bytes(self) -> int:
        """The month's budget in force."""
        return min(self.month_bytes, self.metered_month_bytes) if self.metered else self.month_bytes


def load(path: Path | None) -> AgentConfig:
    """Return the agent's configuration.

    Args:
        path: The file named by --config; None = the usual one if it exists, else the defaults.

    Raises:
        agent.wire.settings_file.SettingsError: With one sentence for a person.
    """
    if path is None:
        path = next((usual for usual in usual_files() if _is_there(usual)), None)
    config = settings_file.read_table(path, "agent", AgentConfig)
    for key, value in (("collector_url", config.collector_url), *(("servers", url) for url in config.servers)):
        wrong = address_fault(value, websocket=key == "servers")
        if wrong and (value or key == "servers"):
            raise settings_file.SettingsError(
                f"{path}: [agent] {key} = {settings_values.quoted(value)} is no address, {wrong}: write one like "
                f"{'http://test.example:8801' if key == 'servers' else 'https://collector.example'}."
            )
    return config


def _is_there(path: Path) -> bool:
    """Return whether anything lies there: what cannot be read then stops the program rather than be passed over."""
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise settings_file.SettingsError(f"{path}: the file cannot be read ({error.strerror}).") from error
    return True


def usual_files() -> list[Path]:
    """Return where the configuration may lie when --config does not say, the first that exists counts."""
    import platformdirs  # not needed by a service that names its file

    return [
        Path(platformdirs.user_config_dir("enlace", appauthor=False)) / "config.toml",
        Path(platformdirs.site_config_dir("enlace", appauthor=False)) / "config.toml",
    ]


def data_directory(config: AgentConfig, told: Path | None = None) -> Path:
    """Return the data directory: --data, else the configuration, else the operating system's usual place."""
    if told is not None:
        return told
    if config.data:
        return Path(config.data)
    import platformdirs

    return Path(platformdirs.user_data_dir("enlace", appauthor=False))


def address_fault(value: str, *, websocket: bool = False) -> str:
    """Return why a text is no http(s) address, or with `websocket` no ws(s) one either; "" = it is one."""
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        return "its computer or port is malformed"
    schemes = ("http", "https", "ws", "wss") if websocket else ("http", "https")
    if parts.scheme not in schemes:
        return f"it does not begin with {' or '.join(f'{scheme}://' for scheme in schemes[:2])}"
    if parts.username is not None or parts.password is not None or "@" in parts.netloc:
        return "it contains a login, which is used nowhere"
    if any(char.isspace() or not char.isprintable() for char in value) or not is_host(parts.hostname or ""):
        return "its computer cannot have that name"
    if port == 0:
        return "no computer listens at port 0"
    return "it has a part behind ? or #" if parts.query or parts.fragment else ""


def is_host(name: str) -> bool:
    """Return whether a name can be one on the Internet, or is a number (RFC 1035 section 2.3.4, RFC 5890)."""
    if ":" in name:
        return True  # an IPv6 address: the brackets were read already
    try:
        return bool(name) and len(name.encode("idna")) <= NAME_CHARS
    except UnicodeError:
        return False
