"""Whether NetworkManager takes the connection for one that is paid by volume; without it nobody knows."""

import shutil
import subprocess

_LIMIT_S = 3.0


def metered_in(told: str) -> bool | None:
    """Return what the property GENERAL.METERED says; a guess (a telephone's hotspot) counts."""
    word = told.strip().partition(" ")[0].lower()
    return {"yes": True, "no": False}.get(word)


def is_metered(device: str | None) -> bool | None:
    """Return whether an interface's connection is metered; None = unknown."""
    program = shutil.which("nmcli") if device else None
    if program is None or device is None:
        return None
    words = [program, "--get-values", "GENERAL.METERED", "device", "show", device]
    try:
        done = subprocess.run(  # noqa: S603 -- a program of the system, and an interface name of the kernel
            words, capture_output=True, timeout=_LIMIT_S, check=False, env={"LC_ALL": "C"}
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return metered_in(done.stdout.decode("utf-8", "replace")) if done.returncode == 0 else None
