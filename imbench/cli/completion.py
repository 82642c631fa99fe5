"""``imbench completion SHELL``: a script that completes commands, keys and choices with Tab.

Hydra's own completion needs ``hydra.main`` and its flags; of its plugins only the interface is
public, not what finds the words. So the words are found here, from the names of the yaml files.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from imbench.config import catalogue
from imbench.errors import ConfigError

COMMANDS = (
    "audit", "check", "completion", "docs", "doctor", "drift", "fit", "help", "list", "plan",
    "predict", "recommend", "report", "run", "serve", "status", "sync", "ui", "verify", "work",
)  # fmt: skip
WITH_KEYS = ("run", "plan", "fit", "sync", "doctor")  # commands that take key=value
OPTIONS = ("--multirun", "--cfg", "--config-dir", "--traceback", "--version", "--help")
HIDDEN = ("_target_", "about", "defaults", "needs", "search", "hydra")  # keys nobody sets
BASH = """\
# Tab for imbench in bash: eval "$(imbench completion bash)", in ~/.bashrc for good.
_imbench() {
  local line="${COMP_LINE:0:COMP_POINT}" IFS=$'\\n'
  local full="${line##* }"
  local before="${full%"$2"}"  # bash ends a word at = too, and replaces what follows
  COMPREPLY=($("$1" completion query "$line" 2>/dev/null))
  COMPREPLY=("${COMPREPLY[@]#"$before"}")
  if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *[=.] ]]; then compopt -o nospace; fi
}
complete -o default -F _imbench imbench
"""
ZSH = """\
#compdef imbench
# Tab for imbench in zsh: eval "$(imbench completion zsh)" after compinit, in ~/.zshrc for good.
_imbench() {
  local -a found
  local line="${(j: :)words[1,CURRENT-1]} ${(Q)PREFIX}"  # without the quote that begins a word
  found=("${(@f)$("${words[1]}" completion query "$line" 2>/dev/null)}")
  if [[ -z "$found" ]]; then _files; return; fi
  compadd -Q -S '' -- ${(M)found:#*[=.]}
  compadd -Q -- ${found:#*[=.]}
}
compdef _imbench imbench
"""
FISH = """\
# Tab for imbench in fish: imbench completion fish | source, in ~/.config/fish/config.fish for good.
complete -c imbench -a '(imbench completion query (commandline -cp | string collect) 2>/dev/null)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def command(words: list[str]) -> int:
    """Print the script of a shell; or, as the scripts ask, the words that fit a line.

    Raises
    ------
    ConfigError
        If there is no script for the shell.
    """
    if len(words) == 2 and words[0] == "query":
        for word in candidates(words[1]):
            print(word)
        return 0
    parser = argparse.ArgumentParser(
        prog="imbench completion",
        allow_abbrev=False,
        description='Print a script for Tab. For bash: eval "$(imbench completion bash)".',
    )
    parser.add_argument("shell", help=", ".join(SCRIPTS))
    parser.add_argument("--traceback", action="store_true")
    shell = parser.parse_args(words).shell
    if shell not in SCRIPTS:
        raise ConfigError(f"completion {shell}: there is a script for {', '.join(SCRIPTS)}.")
    print(SCRIPTS[shell], end="")
    return 0


def candidates(line: str) -> list[str]:
    """Return the words that may stand at the end of a line; none where a file is meant.

    Parameters
    ----------
    line : str
        What was typed up to the cursor, the name of the program first.

    Examples
    --------
    >>> candidates("imbench lis"), candidates("imbench -m splits=kfold,h")
    (['list'], ['splits=kfold,holdout'])
    >>> candidates("imbench 'strategy=[smote,focal_")
    ['strategy=[smote,focal_sigmoid']
    >>> candidates("imbench splits=holdout splits.n_s")
    ['splits.n_seeds=']
    """
    *given, word = line.split(" ")
    word = word.lstrip("'\"")  # a quote that is still open: shells ask for one around [
    given = [one for one in given[1:] if one]
    command = given[0] if given and given[0] in COMMANDS else ""
    if given and given[-1] in ("--config-dir", "--out"):
        return []
    if word.startswith("-"):
        return _fitting(word, OPTIONS)
    if command == "list":
        from imbench.cli.list_command import LISTS

        return _fitting(word, LISTS)
    if command == "completion":
        return _fitting(word, SCRIPTS)
    if command and command not in WITH_KEYS:
        return []
    folders = [catalogue.conf_dir(), *_own_folders(given)]
    if "=" in word:
        return _choices(word, folders)
    first = _fitting(word, COMMANDS) if not given else []
    return first + _fitting(word, _keys(word, given, folders))


def _fitting(start: str, words: Iterable[str]) -> list[str]:
    return sorted({word for word in words if word.startswith(start)})


def _own_folders(given: Sequence[str]) -> list[Path]:
    places = [given[i + 1] for i, word in enumerate(given[:-1]) if word == "--config-dir"]
    places += [w.removeprefix("--config-dir=") for w in given if w.startswith("--config-dir=")]
    return [Path(place).expanduser() for place in places]


def _choices(word: str, folders: Sequence[Path]) -> list[str]:
    """Return a word of the form ``group=name`` with each name; of a list the last name is open."""
    key, _, value = word.partition("=")
    last = max(value.rfind(","), value.rfind("[")) + 1
    if key == "metrics.sort":
        from imbench.results.metric_words import METRIC_WORDS

        names = set(METRIC_WORDS)
    else:
        names = {
            path.relative_to(folder / key).with_suffix("").as_posix()
            for folder in folders
            for path in (folder / key).rglob("*.yaml")
        }
        if key == "dataset":  # a group of its own: dataset/imbalance=NAME
            names = {name for name in names if not name.startswith("imbalance/")}
    return [f"{key}={value[:last]}{name}" for name in _fitting(value[last:], names)]


def _keys(word: str, given: Sequence[str], folders: Sequence[Path]) -> list[str]:
    """Return the keys on the level of a word, as ``key=`` or, where there are more, ``key.``."""
    node = _yaml(folders[0] / "run.yaml")
    chosen = {k: v for one in node["defaults"] if isinstance(one, dict) for k, v in one.items()}
    chosen |= dict(one.split("=", 1) for one in given if one.partition("=")[0] in chosen)
    *above, _ = word.split(".")
    if not above:
        return [*(f"{k}=" for k in (*chosen, "dataset/imbalance")), *_of_level("", node)]
    group, *rest = above
    if group in chosen:
        name = str(chosen[group]).split(",")[0].strip("[]'\"")  # of a sweep or a list the first
        paths = (folder / group / f"{name}.yaml" for folder in folders)
        path = next((path for path in paths if path.is_file()), None)
        node = _yaml(path) if path else {}
    else:
        rest = above
    for name in rest:
        node = node.get(name) or {}
        if not isinstance(node, dict):
            return []
    return _of_level(f"{'.'.join(above)}.", node)


def _of_level(start: str, node: dict[str, Any]) -> list[str]:
    return [
        f"{start}{key}{'.' if isinstance(value, dict) and value else '='}"
        for key, value in node.items()
        if key not in HIDDEN
    ]


def _yaml(path: Path) -> dict[str, Any]:
    import yaml

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):  # a command says what is wrong; Tab is silent
        return {}
    return content if isinstance(content, dict) else {}
