"""The table [agent] of the configuration file. Every key has a default, a range and a comment in the example file."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from agent.wire import addresses, settings_file, settings_values
from agent.wire.records import Bound

_MB = 1_000_000
_FEWEST_USEFUL_BYTES = 250_000  # `schedule.budget` makes no test of less
NO_PROXY = "none"  # the setting that means: never a proxy

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
    if wrong := _fault(config):
        raise settings_file.SettingsError(f"{path}: [agent] {wrong}")
    return config


def _fault(config: AgentConfig) -> str:
    """Return what is wrong although each value alone is of its type and range; "" = nothing."""
    if config.collector_url and (wrong := addresses.fault(config.collector_url)):
        return _no_address("collector_url", config.collector_url, wrong, "https://collector.example")
    for url in config.servers:
        if wrong := addresses.fault(url, addresses.HTTP_OR_WEBSOCKET):
            return _no_address("servers", url, wrong, "http://test.example:8801")
    if config.proxy not in ("", NO_PROXY) and (wrong := proxy_fault(config.proxy)):
        return _no_address("proxy", config.proxy, wrong, f'http://proxy.example:8080, or "{NO_PROXY}"')
    if config.data and not config.data.strip():
        return "data is blank: write a directory, or leave it empty for the usual place."
    if config.retry_base_s > config.retry_cap_s:
        return (
            f"retry_base_s = {config.retry_base_s:g} is more than retry_cap_s = {config.retry_cap_s:g}: "
            "the first wait cannot be longer than the longest."
        )
    return ""


def _no_address(key: str, value: str, why: str, example: str) -> str:
    return f"{key} = {settings_values.quoted(value)} is no address, {why}: write one like {example}."


def proxy_fault(value: str) -> str:
    """Return why control traffic cannot go through what is named as proxy; "" = it can."""
    return addresses.fault(value if "://" in value else f"http://{value}", may_log_in=True)


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
