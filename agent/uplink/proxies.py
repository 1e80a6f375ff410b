"""Which proxy control traffic takes, and how it is named without its login."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from agent.errors import EnlaceError
from agent.wire.vocabulary import ExitCode

NONE = "none"  # the setting that means: never a proxy

_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy")


def check(setting: str, environment: Mapping[str, str]) -> None:
    """Refuse a proxy that cannot be used, before any traffic.

    Args:
        setting: `[agent] proxy`.
        environment: Of the process.

    Raises:
        EnlaceError: Naming the setting or the variable, never its value: it may contain a password.
    """
    if setting == NONE:
        return
    told = {"[agent] proxy": setting} if setting else {name: environment.get(name, "") for name in _VARIABLES}
    for place, value in told.items():
        if value and not _is_usable(value):
            raise EnlaceError(
                f"The proxy in {place} is no address like http://proxy.example:8080.",
                do="Correct it; a password with @, : or / has to be percent-encoded.",
                exit_code=ExitCode.USAGE,
            )


def of(url: str, setting: str) -> dict[str, str]:
    """Return the proxies for an address, in the form that `requests` takes; {} = direct."""
    if setting == NONE:
        return {}
    if setting:
        return {"http": setting, "https": setting}
    from requests.utils import get_environ_proxies  # knows NO_PROXY and the settings of Windows

    return dict(get_environ_proxies(url))


def shown(url: str, setting: str) -> str | None:
    """Return host and port of the proxy for an address, without login; None = direct."""
    proxies = of(url, setting)
    proxy = proxies.get(urlsplit(url).scheme) or proxies.get("all")
    if not proxy:
        return None
    parts = urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)


def _is_usable(value: str) -> bool:
    text = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname) and parts.netloc.count("@") <= 1
