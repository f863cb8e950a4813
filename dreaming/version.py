"""Which code a pass ran with: the release, and a hash of what decides its findings."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
DECIDING = ("mining", "engines")


@cache
def code_version() -> str:
    """Such as `0.1.0+3f2a…`: the same for the same mining, wording and engines."""
    files = sorted(path for folder in DECIDING for path in HERE.joinpath(folder).rglob("*.py"))
    digest = hashlib.sha256()
    for path in [*files, HERE / "writer.py"]:
        digest.update(path.relative_to(HERE).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    release = tomllib.loads(HERE.parent.joinpath("pyproject.toml").read_text())["project"]["version"]
    return f"{release}+{digest.hexdigest()[:12]}"
