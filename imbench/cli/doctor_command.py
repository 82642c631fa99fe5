"""``imbench doctor``: what is installed, what this machine has, and how to mend what is missing."""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError
from typing import Any

from imbench.cli.finding import Finding
from imbench.components.visible import say
from imbench.errors import ConfigError

SHOWN = ("numpy", "pandas", "scikit-learn", "imbalanced-learn", "torch", "optuna", "hydra-core")
KEYS = ("data_dir", "results_dir", "tracking")  # what may be overridden


def command(words: list[str]) -> int:
    """Print what was found, and how to mend what is missing.

    Returns
    -------
    int
        1 if something that a command needs is broken, else 0.

    Raises
    ------
    ConfigError
        If a word is wrong.
    """
    parser = argparse.ArgumentParser(
        prog="imbench doctor",
        allow_abbrev=False,
        description="Say what is installed and what is missing. Nothing is written.",
    )
    parser.add_argument("overrides", nargs="*", metavar="key=value", help=f"{', '.join(KEYS)}")
    parser.add_argument("--traceback", action="store_true")
    overrides = parser.parse_args(words).overrides
    for word in overrides:
        if word.partition("=")[0].partition(".")[0] not in KEYS or "=" not in word:
            raise ConfigError(
                f"doctor {word}: only keys of {', '.join(KEYS)} can be set here, such as "
                "results_dir=results."
            )
    n_broken = 0
    for finding in _findings(overrides):
        n_broken += finding.is_broken
        for line in finding.lines():
            say(line)
    say(f"{n_broken} broken: see above." if n_broken else "Nothing that is needed is missing.")
    return 1 if n_broken else 0


def _findings(overrides: list[str]) -> Iterator[Finding]:
    software = list(_software())
    yield from software
    if any(finding.is_broken for finding in software):
        return  # the rest is looked at with these packages
    from imbench.cli import doctor_places, doctor_system
    from imbench.config.compose import Composer

    yield from doctor_system.findings()
    config: dict[str, Any] = Composer(None).cells(overrides, multirun=False)[0]
    yield from doctor_places.findings(config)


def _software() -> Iterator[Finding]:
    import platform

    from imbench import __version__

    system = f"{platform.system()} {platform.machine()}"
    yield Finding("imbench", f"{__version__}, Python {platform.python_version()}, {system}")
    try:
        from imbench.cli.installed import requirements, unmet, version_of
    except ImportError as error:
        yield Finding("packages", f"{error}", f"pip install {error.name}", is_broken=True)
        return
    try:
        needed, extras = requirements()
    except PackageNotFoundError:
        where = "imbench is read from a folder and is not installed"
        yield Finding("packages", where, "pip install . in that folder", is_broken=True)
        return
    yield Finding("packages", _listed(f"{name} {version_of(name) or '-'}" for name in SHOWN))
    if missing := unmet(needed):
        how = f"pip install {' '.join(repr(one) for one in missing)}"
        yield Finding("packages", f"missing, or of another version: {_listed(missing)}", how, True)
    absent = {name: found for name, wanted in extras.items() if (found := unmet(wanted))}
    yield Finding("extras", _listed(n for n in extras if n not in absent) or "none is installed")
    for name, found in absent.items():
        yield Finding("", f"{name}: without {_listed(found)}", f"pip install 'imbench[{name}]'")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
