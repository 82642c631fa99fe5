"""Files and folders that a user names: in the working directory, or below `data_dir`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from imbench.components.construct import closest
from imbench.data.download import data_folder
from imbench.errors import DataError


def places_of(path: str, data_dir: str | None) -> list[Path]:
    """Return where a path is looked up: in the working directory, then in `data_dir`."""
    given = Path(path).expanduser()
    places = [given]
    if not given.is_absolute() and (folder := data_folder(data_dir)) is not None:
        places.append(folder / given)
    return places


def find_file(path: str, data_dir: str | None) -> Path:
    """Return the path of an existing file.

    A relative path is looked up in the working directory first, then in `data_dir`.

    Raises
    ------
    DataError
        If the file does not exist.
    """
    places = places_of(path, data_dir)
    given = places[0]
    for place in places:
        if place.is_file():
            return place
    if any(map(Path.is_dir, places)):
        raise DataError(
            f"dataset.path={path}: is a folder; give a file in it, or set dataset=image_folder if "
            "it has a folder of images for each class."
        )
    looked = "no such file"
    if not given.is_absolute():
        looked += f" in the working directory {Path.cwd()} or in data_dir={data_dir or 'null'}"
    siblings = {p.name for place in places if place.parent.is_dir() for p in place.parent.iterdir()}
    raise DataError(
        f"dataset.path={path}: {looked}{closest(given.name, siblings)}; give the path of a file, "
        "or set data_dir= or the environment variable IMBENCH_DATA to the folder that holds it."
    )


def find_folder(path: str, data_dir: str | None) -> Path:
    """Return the path of an existing folder, looked up as :func:`find_file` does.

    Raises
    ------
    DataError
        If there is none.
    """
    places = places_of(path, data_dir)
    if folder := next(filter(Path.is_dir, places), None):
        return folder
    if any(map(Path.is_file, places)):
        raise DataError(f"dataset.path={path}: is a file; give a folder that has one a class.")
    siblings = [p.name for q in places if q.parent.is_dir() for p in q.parent.iterdir()]
    raise DataError(
        f"dataset.path={path}: no such folder in the working directory {Path.cwd()} or in "
        f"data_dir={data_dir or 'null'}{closest(places[0].name, siblings)}; give the path of a "
        "folder."
    )


def file_of_test(test: Any, data_dir: str | None) -> list[Path]:
    """Return the file that ``dataset.test`` names, if it is one."""
    if test is None or isinstance(test, bool):
        return []
    return [place for place in places_of(str(test), data_dir) if place.is_file()][:1]
