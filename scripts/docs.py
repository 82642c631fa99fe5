"""Write docs/strategies.md from the yaml files and the docstrings of what they name.

python scripts/docs.py            write it
python scripts/docs.py --check    fail if the file on disk is another one
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from imbench.components.construct import TARGET, locate
from imbench.config import catalogue
from imbench.pipeline.needs import NEEDS
from imbench.strategies import CHAINED, IN_TRAINING, STAGES
from imbench.strategies.loss.boosting import kinds_of

PATH = Path(__file__).parents[1] / "docs" / "strategies.md"
HEAD = """\
# Strategies

Made by `python scripts/docs.py` from `conf/strategy/` and docstrings; edit those.

{n} strategies. A selection may fill several stages: `'strategy=[smote,focal,threshold]'`. The
order is that of the stages below, whatever the order of selection; {chained} may hold several
entries. Stages inside training ({in_training}) need a net; `weights` also works on every model
that takes `sample_weight`, and a `loss` on LightGBM and XGBoost where it says so. Search
ranges are what tuning may try.
"""


def first_paragraph(target: Any) -> str:
    """Return the first paragraph of a docstring as one line."""
    text = inspect.getdoc(target) or ""
    return " ".join(text.partition("\n\n")[0].split())


def parameters(entry: Mapping[str, Any], search: Mapping[str, Any], place: str) -> Iterator[str]:
    """Yield a line for each parameter: name, default, search range."""
    for name, default in entry.items():
        if name == TARGET:
            continue
        wanted = search.get(f"{place}.{name}")
        yield f"`{name}={_plain(default)}`" + (f", searched in {_range(wanted)}" if wanted else "")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return str(value.get(TARGET, value)).rpartition(".")[2]
    return "null" if value is None else str(value)


def _range(wanted: Mapping[str, Any]) -> str:
    if "choices" in wanted:
        return "{" + ", ".join(map(_plain, wanted["choices"])) + "}"
    return f"[{wanted['low']}, {wanted['high']}]" + (" (log)" if wanted.get("log") else "")


def section(item: catalogue.Item) -> Iterator[str]:
    """Yield the lines of a strategy."""
    content = yaml.safe_load(item.path.read_text(encoding="utf-8")) or {}
    yield f"### {item.name}"
    yield ""
    yield item.summary
    yield ""
    for stage, name in item.entries:
        entry = content[stage][name]
        target = locate(entry[TARGET], f"{stage}.{name}")
        ours = target.__module__.startswith("imbench.")
        words = f"{first_paragraph(target)} " if ours else ""
        yield f"- **{stage}**: {words}`{entry[TARGET]}`"
        yield from (
            f"  - {line}"
            for line in parameters(entry, content.get("search") or {}, f"{stage}.{name}")
        )
        if stage == "loss" and "boosting" in kinds_of(target):
            yield "- For nets, LightGBM and XGBoost, see [boosted_trees.md](boosted_trees.md)."
    needs = [NEEDS[kind][1] for kind in (content.get("needs") or {}).get(item.name, [])]
    if needs:
        hint = content["about"][item.name].get("instead") or ""
        instead = hint if isinstance(hint, str) else "` or `".join(hint.values())
        yield f"- Needs {' and '.join(needs)}" + (f"; otherwise `{instead}`." if instead else ".")
    if item.paper:
        yield f"- {item.paper}"
    yield ""


def page() -> str:
    """Return the whole page."""
    items = catalogue.items("strategy", [catalogue.conf_dir()])
    lines = [
        HEAD.format(n=len(items), chained=" and ".join(CHAINED), in_training=", ".join(IN_TRAINING))
    ]
    for stage in ("", *STAGES):
        found = [i for i in items if (i.stages[0] if i.stages else "") == stage]
        if found:
            lines += [f"## {stage or 'nothing'}", ""]
            lines += [line for item in found for line in section(item)]
    return "\n".join(lines)


def main() -> int:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    text = page()
    if parser.parse_args().check:
        if not PATH.exists() or PATH.read_text(encoding="utf-8") != text:
            print(f"{PATH} is out of date: run python scripts/docs.py.", file=sys.stderr)
            return 1
        return 0
    PATH.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
