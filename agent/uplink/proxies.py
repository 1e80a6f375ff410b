"""Which proxy control traffic takes, and how it is named without its login."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from agent.config import NO_PROXY, proxy_fault
from agent.errors import EnlaceError
from agent.wire.vocabulary import ExitCode

_FOR_THE_REST = ("ALL_PROXY", "all_proxy")
_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", *_FOR_THE_REST)


def check(setting: str, environment: Mapping[str, str]) -> None:
    """Refuse a proxy of the environment that cannot be used, before any traffic.

    Args:
        setting: `[agent] proxy`, looked at when the file was read: where it says something, that counts.
        environment: Of the process.

    Raises:
        EnlaceError: Naming the variable, never its value: it may contain a password.
    """
    told = {name: environment[name] for name in _VARIABLES if environment.get(name)}
    if any(name not in _FOR_THE_REST for name in told):  # desktops set a SOCKS proxy for the rest, which we do not ask
        told = {name: value for name, value in told.items() if name not in _FOR_THE_REST}
    for name, value in () if setting else told.items():
        if wrong := proxy_fault(value):
            raise EnlaceError(
                f"The proxy in {name} is no address like http://proxy.example:8080: {wrong}.",
                do='Correct it, or write another one, or "none", behind proxy in the table [agent].',
                exit_code=ExitCode.USAGE,
            )


def of(url: str, setting: str) -> dict[str, str]:
    """Return the proxies for an address, in the form that `requests` takes; {} = direct."""
    if setting == NO_PROXY:
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
