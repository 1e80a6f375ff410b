"""Build the agent for this system into dist/: one folder and, on Linux, one .tar.xz of it.

python packaging/build.py [--dist DIR] [--no-archive]
"""

import argparse
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def build(dist: Path) -> Path:
    """Return the folder of a freshly built agent below `dist`."""
    with tempfile.TemporaryDirectory(prefix="enlace-build-") as work:
        words = ["--noconfirm", "--log-level", "ERROR", "--distpath", str(dist), "--workpath", work]
        recipe = str(ROOT / "packaging" / "enlace-agent.spec")
        subprocess.run([sys.executable, "-m", "PyInstaller", *words, recipe], check=True)
    folder = dist / "enlace-agent"
    if sys.platform == "linux":
        strip(folder)
    for name in ("LICENSE", "config.example.toml"):
        shutil.copy2(ROOT / name, folder / name)
    return folder


def strip(folder: Path) -> None:
    """Drop debugging symbols: the interpreter's library alone carries 15 MB of them."""
    tool = shutil.which("strip")
    if tool is None:
        print("strip is missing: the folder stays about 25 MB larger", file=sys.stderr)
        return
    libraries = [str(path) for path in folder.rglob("*.so*") if path.is_file() and not path.is_symlink()]
    subprocess.run([tool, "--strip-unneeded", *libraries], check=False, stderr=subprocess.DEVNULL)


def archive(folder: Path) -> Path:
    """Return a .tar.xz of the folder, beside it."""
    target = folder.parent / f"enlace-agent-{sys.platform}.tar.xz"
    with tarfile.open(target, "w:xz", preset=6) as tar:
        tar.add(folder, arcname=folder.name)
    return target


def size_mb(path: Path) -> float:
    """Return the size of a file, or of all files below a folder, in MB (10^6)."""
    files = [path] if path.is_file() else [one for one in path.rglob("*") if one.is_file() and not one.is_symlink()]
    return sum(one.stat().st_size for one in files) / 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--no-archive", action="store_true")
    options = parser.parse_args()
    folder = build(options.dist.resolve())
    print(f"{folder}  {size_mb(folder):.1f} MB")
    if not options.no_archive:
        packed = archive(folder)
        print(f"{packed}  {size_mb(packed):.1f} MB")


if __name__ == "__main__":
    main()
