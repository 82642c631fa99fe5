"""From words on the command line to resolved configurations; the only user of hydra."""

from __future__ import annotations

import copy
import dataclasses
import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra._internal.config_repository import CachingConfigRepository
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from hydra.errors import HydraException, MissingConfigException
from hydra.plugins.config_source import ConfigResult
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from imbench.components.construct import closest
from imbench.config import catalogue
from imbench.errors import ConfigError

CONFIG_NAME = "run"


class _Shared(CachingConfigRepository):
    """Files that are read once for all cells of a sweep: hydra itself reads them for each."""

    def __deepcopy__(self, memo: dict[int, Any]) -> _Shared:
        return self

    def load_config(self, config_path: str) -> ConfigResult | None:
        """Return a copy, for hydra writes into what it composes."""
        found = super().load_config(config_path)
        if found is None:
            return None
        config = copy.deepcopy(found.config)
        return dataclasses.replace(found, header=dict(found.header), config=config)


class Composer:
    """Composes configurations from the shipped folder and one of the user's.

    Parameters
    ----------
    config_dir : Path or None
        Folder given by ``--config-dir``.

    Raises
    ------
    ConfigError
        If the folder does not exist.
    """

    def __init__(self, config_dir: Path | None) -> None:
        if config_dir is not None and not config_dir.is_dir():
            raise ConfigError(f"--config-dir={config_dir} is not a folder.")
        shipped = catalogue.conf_dir()
        own = sorted(config_dir.rglob("*.yaml")) if config_dir is not None else []
        for path in own:
            taken = shipped / path.relative_to(config_dir or path)
            if taken.exists() and not taken.samefile(path):
                raise ConfigError(f"{path}: the name is taken by {taken}; rename your file.")
        self.folders = [shipped] if config_dir is None else [shipped, config_dir.resolve()]
        self._files: dict[tuple[str, ...], _Shared] = {}  # by the words that change where they lie

    def cells(self, overrides: Sequence[str], multirun: bool) -> list[dict[str, Any]]:
        """Return the resolved configuration of every cell, in the order of the sweep.

        The last override varies fastest. Sweeps that a configuration file asks for
        (``hydra.mode: MULTIRUN`` and ``hydra.sweeper.params``, as in ``conf/experiment/``) are
        expanded as if they stood on the command line, which wins where both name a key.

        Raises
        ------
        ConfigError
            If anything cannot be composed.
        """
        parsed = _parse(overrides)
        for i, override in enumerate(parsed):  # each experiment brings a sweep of its own
            if override.get_key_element() == "experiment" and override.is_sweep_override():
                lists = [
                    [*overrides[:i], choice, *overrides[i + 1 :]]
                    for choice in self._choices(override, multirun)
                ]
                return [cell for words in lists for cell in self.cells(words, multirun)]
        fixed = [o.input_line or "" for o in parsed if not o.is_sweep_override()]
        composed = self._compose(fixed, with_hydra=True)
        hydra = composed.hydra
        multirun = multirun or str(hydra.mode).endswith("MULTIRUN")
        if multirun:
            named = {o.get_key_element() for o in parsed}
            from_file = [
                f"{key}={value}"
                for key, value in (hydra.sweeper.params or {}).items()
                if key not in named
            ]
            parsed = [*_parse(from_file), *parsed]
        elif len(fixed) == len(parsed):
            with open_dict(composed):
                del composed["hydra"]
            return [_resolved(composed)]
        jobs = itertools.product(*(self._choices(o, multirun) for o in parsed))
        cells, problems = [], []
        for job in jobs:
            try:
                cells.append(_resolved(self._compose_quickly(job)))
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(dict.fromkeys(problems)))
        return cells

    def _words(self, overrides: Sequence[str]) -> list[str]:
        """Return overrides behind the one that names the user's folder, if there is one."""
        paths = [str(folder).replace("'", "\\'") for folder in self.folders[1:]]
        search = ", ".join(f"'file://{path}'" for path in paths)
        return [*([f"hydra.searchpath=[{search}]"] if search else []), *overrides]

    def _compose_quickly(self, overrides: Sequence[str]) -> DictConfig:
        """Compose a cell of a sweep without hydra's own settings, which take 0.05 of 0.09 s.

        Parts of hydra that are not public are called in the order in which hydra calls them.
        Whatever they raise, hydra's public function is asked, and has the last word.
        """
        try:
            from hydra._internal.defaults_list import create_defaults_list

            with initialize_config_dir(str(self.folders[0]), version_base="1.3"):
                words = self._words(overrides)
                loader = self._share_files(words)
                parsed, files = loader._parse_overrides_and_create_caching_repo(CONFIG_NAME, words)
                chosen = create_defaults_list(
                    repo=files,
                    config_name=CONFIG_NAME,
                    overrides_list=[o for o in parsed if not o.is_hydra_override()],
                    prepend_hydra=False,
                    skip_missing=False,
                )
                config: DictConfig = loader._compose_config_from_defaults_list(
                    defaults=chosen.defaults, repo=files
                )
                OmegaConf.set_struct(config, True)
                loader._apply_overrides_to_config(chosen.config_overrides, config)
        except Exception:
            return self._compose(overrides)
        with open_dict(config):
            config.pop("hydra", None)  # that of an experiment's file
        return config

    def _compose(self, overrides: Sequence[str], with_hydra: bool = False) -> DictConfig:
        words = self._words(overrides)
        try:
            with initialize_config_dir(str(self.folders[0]), version_base="1.3"):
                self._share_files(words)
                return compose(CONFIG_NAME, words, return_hydra_config=with_hydra)
        except (HydraException, OmegaConfBaseException, ValueError, yaml.YAMLError) as error:
            raise ConfigError(self._explain(error, overrides)) from error

    def _share_files(self, words: Sequence[str]) -> Any:
        """Return hydra's loader, which finds the files that it has read for other cells."""
        loader: Any = GlobalHydra.instance().config_loader()
        places = tuple(word for word in words if word.startswith("hydra."))
        if places not in self._files:
            self._files[places] = _Shared(loader.repository)
        loader.repository = self._files[places]
        return loader

    def _choices(self, override: Override, multirun: bool) -> list[str]:
        """Return the override once for each value that it sweeps over."""
        if not override.is_sweep_override():
            return [override.input_line or ""]
        key = override.get_key_element()
        if not multirun:
            several = "; for one strategy made of several write 'strategy=[a,b]'"
            raise ConfigError(
                f"{override.input_line}: several values need -m (a sweep)"
                f"{several if key == 'strategy' else ''}."
            )
        if not override.is_discrete_sweep():
            raise ConfigError(f"{override.input_line}: a sweep needs values, not an interval.")
        value = override.value()
        if isinstance(value, Glob):  # strategy=glob(*): every file of the group
            found = value.filter(self._names(override.key_or_group))
            if not found:
                raise ConfigError(f"{override.input_line}: matches no file of conf/{key}/.")
            return [f"{key}={name}" for name in found]
        return [f"{key}={value}" for value in override.sweep_string_iterator()]

    def _explain(self, error: Exception, overrides: Sequence[str]) -> str:
        """Turn hydra's message, often of several lines, into one sentence."""
        text = " ".join(str(error).split())
        if isinstance(error, MissingConfigException):
            found = re.search(r"[Cc]ould not find '([^']+)'|[Cc]ould not load '([^']+)'", text)
            path = next((g for g in found.groups() if g), "?") if found else "?"
            group, _, name = path.rpartition("/")
            known = self._names(group)
            plural = {g: p for p, g in catalogue.GROUPS.items()}.get(group)
            more = f"; there are {', '.join(known)}" if known else ""
            if plural:
                more = f"; `python -m imbench list {plural}` shows them all"
            return f"{group}={name}: there is no such {group}{closest(name, known)}{more}."
        found = re.search(r"Could not (?:override|delete|append to config)[^']*'([^']+)'", text)
        if found:
            full = getattr(error.__cause__, "full_key", None)
            return self._explain_key(full or found.group(1), overrides)
        return text if text.endswith(".") else f"{text}."

    def _explain_key(self, key: str, overrides: Sequence[str]) -> str:
        parent, _, name = key.rpartition(".")
        groups = [
            o for o in overrides if "." not in o.partition("=")[0] and o.partition("=")[0] != key
        ]
        try:
            node: Any = self._compose(groups) if groups != list(overrides) else self._compose([])
        except ConfigError:
            node = self._compose([])
        node = OmegaConf.select(node, parent) if parent else node
        known = [str(k) for k in node] if isinstance(node, DictConfig) else []
        near = closest(name, known)
        files = [] if known or "." in parent else self._files_with(parent, name)
        if files:
            return f"{key}: {parent} has no such key; set {' or '.join(files)}, which has."
        if not near and not parent:
            near = f"; the keys are {', '.join(known)}"
        return f"{key}: there is no such key{near}; to add it on purpose write +{key}=..."

    def _files_with(self, group: str, key: str) -> list[str]:
        """Return the choices of a group, ``tuning=optuna``, that have a key."""
        paths = [p for folder in self.folders for p in sorted((folder / group).glob("*.yaml"))]
        contents = [(p.stem, yaml.safe_load(p.read_text("utf-8"))) for p in paths]
        return [f"{group}={stem}" for stem, c in contents if isinstance(c, dict) and key in c]

    def _names(self, group: str) -> list[str]:
        return sorted({p.stem for f in self.folders for p in (f / group).glob("*.yaml")})


def _parse(overrides: Sequence[str]) -> list[Override]:
    parser = OverridesParser.create()
    parsed = []
    for line in overrides:
        try:
            parsed.append(parser.parse_override(line))
        except HydraException as error:
            raise ConfigError(
                f"cannot read {line!r}: write key=value, and quote lists for the shell "
                "('strategy=[smote,focal]')."
            ) from error
    return parsed


def _resolved(config: DictConfig) -> dict[str, Any]:
    try:
        content = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or str(error).split(":")[-1].strip()
        raise ConfigError(f"{key} is not set: give it a value with {key}=...") from error
    except OmegaConfBaseException as error:
        raise ConfigError(" ".join(str(error).split()) + ".") from error
    assert isinstance(content, Mapping)
    return {str(key): value for key, value in content.items()}
