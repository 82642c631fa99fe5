"""Compose command-line overrides into resolved configurations; the only user of Hydra."""

from __future__ import annotations

import itertools
import re
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml
from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override, QuotedString, Sweep
from hydra.errors import HydraException, MissingConfigException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from imbench.components.construct import closest
from imbench.config import catalogue
from imbench.config.check import PARTS
from imbench.config.key_advice import has_key, no_such_key
from imbench.config.odd_words import cannot_read, several_values, with_quotes
from imbench.config.yaml_files import check_yaml
from imbench.errors import ConfigError

CONFIG_NAME = "run"
SHIPPED = {"hydra/launcher": "basic", "hydra/sweeper": "basic"}
MAX_SHOWN = 200  # characters of a setting that cannot be read
MAX_FILES = 4  # that have a key, in a message
HYDRA_KEYS = ("hydra.mode", "hydra.searchpath", "hydra.sweeper.params")
ONE_AT_A_TIME = threading.Lock()  # Hydra keeps the folder in a global variable


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
        if config_dir is not None:
            check_yaml(config_dir, own)
        self.folders = [shipped] if config_dir is None else [shipped, config_dir.resolve()]

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
        _refuse_hydra([str(override.get_key_element()).lstrip("+~") for override in parsed])
        for override in parsed:
            self._check_choice(override)
        for i, override in enumerate(parsed):  # each experiment brings a sweep of its own
            if override.get_key_element() == "experiment" and override.is_sweep_override():
                lists = [
                    [*overrides[:i], choice, *overrides[i + 1 :]]
                    for choice in self._choices(override, multirun)
                ]
                return [cell for words in lists for cell in self.cells(words, multirun)]
        composed = self._with_settings(parsed)
        hydra = composed.hydra
        chosen = hydra.runtime.choices.items()
        _refuse_hydra(f"{key}={name}" for key, name in chosen if SHIPPED.get(key, name) != name)
        multirun = multirun or str(hydra.mode).endswith("MULTIRUN")
        if multirun:
            named = {o.get_key_element() for o in parsed}
            from_file = [
                f"{key}={value}"
                for key, value in (hydra.sweeper.params or {}).items()
                if key not in named
            ]
            parsed = [*_parse(from_file), *parsed]
        elif not any(o.is_sweep_override() for o in parsed):
            with open_dict(composed):
                del composed["hydra"]
            return [_resolved(composed)]
        jobs = itertools.product(*(self._choices(o, multirun) for o in parsed))
        sweep = _StrategySweep(self, parsed)
        cells, problems = [], []
        for job in jobs:
            try:
                cells.append(sweep.cell(job) or _resolved(self.compose(job)))
            except ConfigError as error:
                problems.append(str(error))
        if problems:
            raise ConfigError("\n".join(dict.fromkeys(problems)))
        return cells

    def _check_choice(self, override: Override) -> None:
        """Raise ConfigError if an override of a group names no file."""
        group, value = override.key_or_group, override.value()
        if len(group) > MAX_SHOWN:  # longer than the name of a file may be
            raise ConfigError(f"{shortened(group)}: there is no such key; see --cfg for all.")
        if override.is_delete() or "." in group:
            return
        if not (self.folders[0] / group).is_dir():
            return
        if not group:
            raise ConfigError(f"{shortened(override.input_line or '')}: names no key.")
        for choice in value.list if isinstance(value, ChoiceSweep) else [value]:
            names = choice if isinstance(choice, list) else [choice]
            are_names = all(isinstance(n, str | QuotedString) and _is_name(str(n)) for n in names)
            is_else = isinstance(choice, Mapping | Sweep | Glob)
            needs_one = group in (*PARTS, "executor") and group != "strategy"  # [] is none
            if not is_else and (not are_names or (not names and needs_one)):
                known = self._names(group)
                example = PARTS.get(group) or f"{group}={known[0]}"
                raise ConfigError(
                    f"{shortened(override.input_line or group)}: must be a name of conf/{group}/, "
                    f"or a list of names, such as {example}."
                )

    def _with_settings(self, overrides: Sequence[Override]) -> DictConfig:
        """Compose the first cell of a sweep, and Hydra's own settings.

        Where the first cell cannot be composed it is reported beside the others; the settings are
        those of the overrides without a sweep then.
        """
        if any(override.is_sweep_override() for override in overrides):
            with suppress(ConfigError):
                first = [self._choices(override, multirun=True)[0] for override in overrides]
                return self.compose(first, with_hydra=True)
        fixed = [o.input_line or "" for o in overrides if not o.is_sweep_override()]
        return self.compose(fixed, with_hydra=True)

    def compose(self, overrides: Sequence[str], with_hydra: bool = False) -> DictConfig:
        """Compose one cell by Hydra's public function.

        Parameters
        ----------
        overrides : sequence of str
            Without a sweep.
        with_hydra : bool, default=False
            Whether Hydra's own settings are kept, under the key ``hydra``.

        Raises
        ------
        ConfigError
            If it cannot be composed.
        """
        try:
            with ONE_AT_A_TIME, initialize_config_dir(str(self.folders[0]), version_base="1.3"):
                return compose(CONFIG_NAME, self._words(overrides), return_hydra_config=with_hydra)
        except (HydraException, OmegaConfBaseException, ValueError, yaml.YAMLError) as error:
            raise ConfigError(self._explain(error, overrides)) from error
        except (OSError, RecursionError, TypeError) as error:
            shown = shortened(" ".join(overrides))
            is_endless = isinstance(error, RecursionError)
            reason = "it includes itself" if is_endless else shortened(str(error))
            raise ConfigError(f"{shown}: cannot be composed ({reason}); correct it.") from error

    def _words(self, overrides: Sequence[str]) -> list[str]:
        """Return overrides behind the one that names the user's folder, if there is one."""
        paths = [str(folder).replace("'", "\\'") for folder in self.folders[1:]]
        search = ", ".join(f"'file://{path}'" for path in paths)
        return [*([f"hydra.searchpath=[{search}]"] if search else []), *overrides]

    def _choices(self, override: Override, multirun: bool) -> list[str]:
        """Return the override once for each value that it sweeps over."""
        if not override.is_sweep_override():
            return [override.input_line or ""]
        key = override.get_key_element()
        if not multirun:
            raise ConfigError(several_values(override.input_line or "", str(key)))
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
            return (
                f"{group}={shortened(name)}: there is no such {group}{closest(name, known)}{more}."
            )
        found = re.search(r"Could not (?:override|delete|append to config)[^']*'([^']+)'", text)
        if found:
            full = getattr(error.__cause__, "full_key", None)
            return self._explain_key(full or found.group(1), overrides)
        if text.startswith("Error merging override"):
            word = text.removeprefix("Error merging override").strip()
            return f"{word}: the key has another form, which `python -m imbench --cfg` shows."
        return text if text.endswith(".") else f"{text}."

    def _explain_key(self, key: str, overrides: Sequence[str]) -> str:
        parent, _, name = key.rpartition(".")
        groups = [
            o for o in overrides if "." not in o.partition("=")[0] and o.partition("=")[0] != key
        ]
        try:
            node: Any = self.compose(groups) if groups != list(overrides) else self.compose([])
        except ConfigError:
            node = self.compose([])
        node = OmegaConf.select(node, parent) if parent else node
        settings = OmegaConf.to_container(node) if isinstance(node, DictConfig) else None
        return no_such_key(shortened(key), settings, self._files_with(parent, name, overrides))

    def _files_with(self, group: str, key: str, overrides: Sequence[str]) -> list[str]:
        """Return the choices of a group that have a key: ``tuning=optuna``, ``dataset=table``.

        Those that have all keys of the group in the overrides go before others, and then those
        in which the key waits for a value.
        """
        given = [word.partition("=")[0].lstrip("+") for word in overrides]
        wanted = [w.partition(".")[2] for w in given if w.startswith(f"{group}.")]
        asked = [path for path in wanted if path.split(".")[0] == key] or [key]
        paths = [p for f in self.folders for p in sorted((f / group).glob("*.yaml"))]
        read = [(p.stem, yaml.safe_load(p.read_text("utf-8"))) for p in paths if group]
        found = [pair for pair in read if all(has_key(pair[1], path) for path in asked)]
        found = [pair for pair in found if all(has_key(pair[1], w) for w in wanted)] or found
        found = [pair for pair in found if pair[1].get(key) is None] or found
        return [f"{group}={name}" for name, _ in found[:MAX_FILES]]

    def _names(self, group: str) -> list[str]:
        return sorted({p.stem for f in self.folders for p in (f / group).glob("*.yaml")})


class _StrategySweep:
    """Composes the cells of a sweep over strategies, by Hydra once for each other choice.

    Hydra takes 0.1 s for a configuration. Here it composes one without strategies, and the yaml
    files of the selected ones are merged into its key ``strategy`` by OmegaConf, as Hydra itself
    does. Where that could differ (overrides of keys of a strategy, files with a defaults list or
    a package), :meth:`cell` leaves the cell to Hydra.

    Parameters
    ----------
    composer : Composer
    overrides : sequence of Override
        Of the whole sweep, parsed.
    """

    def __init__(self, composer: Composer, overrides: Sequence[Override]) -> None:
        self._composer = composer
        keys = [str(o.get_key_element()).lstrip("+~") for o in overrides]
        special = [k for k in keys if k.startswith(("strategy", "hydra"))]
        self._index = keys.index("strategy") if special == ["strategy"] else None
        self._files: dict[str, DictConfig | None] = {}
        self._bases: dict[tuple[str, ...], tuple[DictConfig, DictConfig] | None] = {}

    def cell(self, job: Sequence[str]) -> dict[str, Any] | None:
        """Return the resolved configuration of a cell, None if Hydra has to compose it."""
        if self._index is None:
            return None
        files = self._selected(job[self._index])
        base = None if files is None else self._base(job)
        if files is None or base is None:
            return None
        config, rest = base  # rest: what decision= and experiment= set of the strategy
        with open_dict(config):
            config.strategy = OmegaConf.merge(*files, rest)
        return _resolved(config)

    def _selected(self, override: str) -> list[DictConfig] | None:
        """Return the files of ``strategy=name`` or ``strategy=[name,...]``, None if in doubt."""
        selected = _parse([override])[0].value()
        names = selected if isinstance(selected, list) else [selected]
        files = [self._file(name) if isinstance(name, str) else None for name in names]
        return [file for file in files if file is not None] if None not in files else None

    def _file(self, name: str) -> DictConfig | None:
        if name not in self._files:
            self._files[name] = self._read(name)
        return self._files[name]

    def _read(self, name: str) -> DictConfig | None:
        """Return the content of a plain strategy file, None for any other."""
        places = [folder / "strategy" / f"{name}.yaml" for folder in self._composer.folders]
        path = next(filter(Path.is_file, places), None)
        if path is None or "@package" in path.read_text(encoding="utf-8"):
            return None
        try:
            content = OmegaConf.load(path)
        except (OmegaConfBaseException, yaml.YAMLError):
            return None
        return content if isinstance(content, DictConfig) and "defaults" not in content else None

    def _base(self, job: Sequence[str]) -> tuple[DictConfig, DictConfig] | None:
        """Return the configuration without strategies, and what it says of the strategy."""
        words = ["strategy=[]" if i == self._index else word for i, word in enumerate(job)]
        if tuple(words) not in self._bases:
            try:
                config = self._composer.compose(words)
                self._bases[tuple(words)] = config, config.strategy
            except ConfigError:
                self._bases[tuple(words)] = None
        return self._bases[tuple(words)]


def _is_name(text: str) -> bool:
    """Return whether a text can name a file below a folder of a group: ``keel/yeast4``."""
    return all(part.strip(".") for part in text.split("/"))


def shortened(text: str) -> str:
    """Return a setting for a message, cut if it is very long."""
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."


def _refuse_hydra(keys: Iterable[str]) -> None:
    """Raise ConfigError for settings of Hydra's own program, which imbench does not run."""
    for key in keys:
        if key.startswith(("hydra/", "hydra.")) and not key.startswith(HYDRA_KEYS):
            raise ConfigError(
                f"{key}: Hydra's launchers, sweepers and folders are not used, as imbench runs "
                "its cells itself; set executor=local, executor=ray or executor=array, n_jobs= "
                "for processes here, and results_dir= for the folder."
            )


def _parse(overrides: Sequence[str]) -> list[Override]:
    parser = OverridesParser.create()
    return [_parse_one(parser, line) for line in overrides]


def _parse_one(parser: OverridesParser, line: str) -> Override:
    """Parse a word; one value that the grammar cannot read, such as ``>50K``, is quoted."""
    try:
        return parser.parse_override(line)
    except HydraException as error:
        word = with_quotes(line)
        if word is None:
            raise ConfigError(cannot_read(line, shortened(line))) from error
        return parser.parse_override(word)


def _resolved(config: DictConfig) -> dict[str, Any]:
    try:
        content = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or str(error).split(":")[-1].strip()
        raise ConfigError(f"{key} is not set: give it a value with {key}=...") from error
    except OmegaConfBaseException as error:
        first = str(error).splitlines()[0].rstrip(".")
        key = getattr(error, "full_key", None) or "a key"
        raise ConfigError(f"{key}: {first}; correct the ${{...}} in its value.") from error
    assert isinstance(content, Mapping)
    return {str(key): value for key, value in content.items()}
