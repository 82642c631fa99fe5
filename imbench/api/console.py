"""Where tables and progress go."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from rich.console import Console
from rich.segment import Segment

from imbench.components.visible import visible

if TYPE_CHECKING:
    from rich.console import ConsoleOptions, RenderableType

PIPED_WIDTH = 160  # without a terminal rich assumes 80 columns and wraps what nobody reads there


def console(stderr: bool = False) -> Console:
    """Return a console for standard output, or standard error for what is not the result."""
    stream = sys.stderr if stderr else sys.stdout
    return SafeConsole(
        file=stream,
        width=None if stream.isatty() else PIPED_WIDTH,
        highlight=False,
        soft_wrap=False,
    )


class SafeConsole(Console):
    r"""A console that writes characters of names as escapes where they would act on a terminal.

    Examples
    --------
    >>> from rich.text import Text
    >>> SafeConsole(width=40).print(Text("a\x1b[2Jb"))
    a\x1b[2Jb
    """

    def on_broken_pipe(self) -> None:
        """Leave it to the command line that nobody reads the output any more."""
        raise  # what is being handled: rich itself would end the process with exit code 1

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Render with the text of every segment made visible; its own styles come later."""
        for text, style, control in super().render(renderable, options):
            shown = text if control else "\n".join(map(visible, text.split("\n")))
            yield Segment(shown, style, control)
