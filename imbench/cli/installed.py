"""What is installed: the packages that imbench needs, and those of its optional extras."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterable

from packaging.requirements import Requirement

INSTEAD = {"xgboost-cpu": "xgboost"}  # packages that another one replaces
NOT_FOR_USERS = ("dev",)


def requirements() -> tuple[list[Requirement], dict[str, list[Requirement]]]:
    """Return what imbench needs on this system, and what each of its extras adds.

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If imbench is not installed, but found in a folder.

    Examples
    --------
    >>> needed, extras = requirements()
    >>> "numpy" in [one.name for one in needed], [one.name for one in extras["xlsx"]]
    (True, ['openpyxl'])
    """
    found = importlib.metadata.distribution("imbench")
    every = [Requirement(line) for line in found.requires or ()]
    needed = [one for one in every if _is_for(one, "")]
    names = sorted(found.metadata.get_all("Provides-Extra") or ())
    extras = {
        name: [one for one in every if _is_for(one, name) and not _is_for(one, "")]
        for name in names
        if name not in NOT_FOR_USERS
    }
    return needed, extras


def _is_for(one: Requirement, extra: str) -> bool:
    return one.marker is None or one.marker.evaluate({"extra": extra})


def version_of(name: str) -> str:
    """Return the installed version of a distribution, or an empty string.

    Examples
    --------
    >>> version_of("numpy") > "1", version_of("no-such-package")
    (True, '')
    """
    for one in (name, INSTEAD.get(name)):
        try:
            if one is not None:
                return importlib.metadata.version(one)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def unmet(wanted: Iterable[Requirement]) -> list[str]:
    """Return the requirements that are missing or have another version, as pip takes them.

    Examples
    --------
    >>> unmet([Requirement("numpy>=1"), Requirement("no-such-package>=2; python_version>'3'")])
    ['no-such-package>=2']
    """
    found = []
    for one in wanted:
        version = version_of(one.name)
        if not version or not one.specifier.contains(version, prereleases=True):
            extras = f"[{','.join(sorted(one.extras))}]" if one.extras else ""
            found.append(f"{one.name}{extras}{one.specifier}")
    return found
