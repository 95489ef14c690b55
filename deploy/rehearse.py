"""Builds and starts the image of `deploy/Dockerfile` without a container engine: its steps, in an empty root folder.

    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates bookworm ROOT
    sudo python deploy/rehearse.py ROOT build/image --target serve
    sudo python deploy/rehearse.py --start build/image/serve        # until Ctrl-C; words after -- go to the program

ROOT stands in for `python:3.11-slim`. The steps are read from the Dockerfile. The program runs as the image's user, on
a file system that it cannot write but for the volume and /tmp, without capabilities and without a way to get some. What
is not rehearsed: the base image itself, layers, and a network of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
DOCKERFILE = REPOSITORY / "deploy" / "Dockerfile"
PIP = (
    "PIP_FIND_LINKS",
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "SSL_CERT_FILE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
)


@dataclass
class Stage:
    """One stage of a Dockerfile, and what it says of the image."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    said: dict[str, str] = field(default_factory=dict)
    """USER, WORKDIR, ENTRYPOINT, CMD and VOLUME, of this stage or those below."""
    environment: dict[str, str] = field(default_factory=dict)


def stages(text: str) -> dict[str, Stage]:
    """The stages of a Dockerfile by their names."""
    found: dict[str, Stage] = {}
    current: Stage | None = None
    joined = re.sub(r"\s*\\\n\s*", " ", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE))
    for line in filter(None, map(str.strip, joined.splitlines())):
        word, rest = line.split(" ", 1)
        if word == "FROM":
            base, name = rest.split(" AS ")
            below = found.get(base)
            current = Stage(base, name, said=dict(below.said) if below else {})
            current.environment = dict(below.environment) if below else {}
            found[name] = current
        elif current is None:
            raise SystemExit(f"{word} must follow FROM.")
        elif word in ("RUN", "COPY"):
            current.steps.append((word, rest))
        elif word == "ENV":
            for name, value in re.findall(r"(\w+)=(\S+)", rest):
                current.environment[name] = value.replace("$PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        else:
            current.said[word] = rest
    return found


def build(root: Path, to: Path, target: str) -> None:
    """Make the root folder of a target in a folder, and of all that it needs before."""
    every = stages(DOCKERFILE.read_text())
    done: dict[str, Path] = {}

    def make(name: str) -> Path:
        if name in done:
            return done[name]
        stage, place = every[name], to / name
        below = make(stage.base) if stage.base in every else root
        shutil.rmtree(place, ignore_errors=True)
        subprocess.run(["cp", "-a", str(below), str(place)], check=True)
        if below == root:
            _stand_in(place)
        for word, rest in stage.steps:
            sys.stderr.write(f"{name}: {word} {rest}\n")
            if word == "COPY":
                _copy(place, rest, stage, make)
            else:
                _run(place, ["sh", "-ec", rest], stage)
        done[name] = place
        return place

    make(target)
    # What is mounted from outside while building is none of the image.
    shutil.rmtree(to / target / "outside", ignore_errors=True)


def _stand_in(place: Path) -> None:
    """Give a root the `python` and `pip` that the base image has."""
    _run(place, ["python3", "-m", "venv", "/usr/local/python"], Stage("", ""))
    for name in ("python", "pip"):
        (place / "usr/local/bin" / name).symlink_to(f"/usr/local/python/bin/{name}")


def _copy(place: Path, rest: str, stage: Stage, make: Callable[[str], Path]) -> None:
    *sources, to = rest.split()
    origin = REPOSITORY
    if sources[0].startswith("--from="):
        origin = make(sources.pop(0).removeprefix("--from="))
    where = place / (Path(stage.said.get("WORKDIR", "/")) / to).as_posix().lstrip("/")
    for source in sources:
        path = origin / source.lstrip("/")
        if path.is_dir():
            shutil.copytree(path, where, dirs_exist_ok=True, symlinks=True)
        else:
            target = where / path.name if to.endswith("/") else where
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)


def _run(place: Path, words: list[str], stage: Stage) -> None:
    """Run a command in a root, with the settings of pip that this machine has."""
    kept = {name: os.environ[name] for name in PIP if name in os.environ}
    environment = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "HOME": "/root"} | kept | stage.environment
    shared = [Path("/etc/resolv.conf"), Path("/etc/hosts"), Path("/etc/ssl/certs"), Path("/etc/pip.conf")]
    shared += [Path(kept["PIP_FIND_LINKS"])] if "PIP_FIND_LINKS" in kept else []
    home = Path.home() / ".config" / "pip" / "pip.conf"
    if home.exists():
        environment["PIP_CONFIG_FILE"] = str(home)
        shared.append(home)
        shared += [Path(found) for found in re.findall(r"file://(/\w+/[\w-]+)", home.read_text())]
    script = ["mount -t proc proc ROOT/proc"] if (place / "proc").is_dir() else []
    for path in shared:
        if path.exists():
            inside = place / path.as_posix().lstrip("/")
            make = f"mkdir -p {inside}" if path.is_dir() else f"mkdir -p {inside.parent} && touch {inside}"
            script.append(f"{make} && mount --bind {path} {inside}")
    script.append('cd ROOT && exec chroot . /usr/bin/env -i -C "$WORKDIR" "$@"')
    text = " && ".join(script).replace("ROOT", str(place))
    pairs = [f"{name}={value}" for name, value in environment.items()]
    within = {"WORKDIR": stage.said.get("WORKDIR", "/"), **os.environ}
    (place / within["WORKDIR"].lstrip("/")).mkdir(parents=True, exist_ok=True)
    subprocess.run(["unshare", "--mount", "sh", "-ec", text, "sh", *pairs, *words], check=True, env=within)


def start(place: Path, words: list[str]) -> int:
    """Run the program of an image that was built, as a container engine would with no rights at all."""
    stage = stages(DOCKERFILE.read_text())[place.name]
    user = stage.said["USER"].split(":")[0]
    program = json.loads(stage.said["ENTRYPOINT"]) + (words or json.loads(stage.said["CMD"]))
    volume = stage.said["VOLUME"]
    data = place.parent / f"{place.name}-volume"
    data.mkdir(exist_ok=True)
    shutil.chown(data, int(user), int(user))
    given = {name: value for name, value in os.environ.items() if name.startswith("FOREGATE_SERVE_")}
    pairs = [f"{name}={value}" for name, value in (stage.environment | given).items()]
    script = (
        f"mount --bind {place} {place} && mount -t proc proc {place}/proc && mount -t tmpfs tmpfs {place}/tmp && "
        f"mount --bind {data} {place}{volume} && mount -o remount,ro,bind {place} && cd {place} && "
        f"exec chroot . /usr/bin/setpriv --reuid={user} --regid={user} --clear-groups --no-new-privs "
        f"--bounding-set=-all --inh-caps=-all "
        f'/usr/bin/env -i -C {stage.said["WORKDIR"]} "$@"'
    )
    return subprocess.run(["unshare", "--mount", "sh", "-ec", script, "sh", *pairs, *program], check=False).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, nargs="?")
    parser.add_argument("to", type=Path, nargs="?")
    parser.add_argument("--target", default="serve")
    parser.add_argument("--start", type=Path, metavar="FOLDER")
    parser.add_argument("words", nargs="*")
    asked = parser.parse_args()
    if asked.start:
        extra = [str(word) for word in (asked.root, asked.to) if word] + asked.words
        sys.exit(start(asked.start.resolve(), extra))
    if not (asked.root and asked.to):
        parser.error("ROOT and a folder to build in must be given")
    asked.to.mkdir(parents=True, exist_ok=True)
    build(asked.root.resolve(), asked.to.resolve(), asked.target)
