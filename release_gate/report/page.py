"""Text for a terminal: lines, entries and tables in a style that suits what reads them."""

from __future__ import annotations

import os
import shutil
from io import StringIO
from typing import TYPE_CHECKING

from attrs import frozen
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from release_gate.report.presentation import Look, Tone, look

if TYPE_CHECKING:
    from enum import StrEnum
    from typing import TextIO

__all__ = ["Page", "Style", "duration"]

_COLOURS = {
    Tone.GOOD: "green",
    Tone.BAD: "bold red",
    Tone.WARN: "yellow",
    Tone.QUIET: "dim",
    Tone.NOTE: "cyan",
}


@frozen(kw_only=True)
class Style:
    """How the text may look: `colour`, `unicode` glyphs or ASCII, `width` in columns."""

    colour: bool = False
    unicode: bool = True
    width: int = 100

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Return the style for `stream`; NO_COLOR and FORCE_COLOR decide over what it is."""
        terminal = stream.isatty()
        colour = terminal and os.environ.get("TERM") != "dumb"
        if os.environ.get("FORCE_COLOR"):
            colour = True
        if os.environ.get("NO_COLOR"):
            colour = False
        encoding = (getattr(stream, "encoding", None) or "ascii").replace("-", "").casefold()
        width = shutil.get_terminal_size((100, 24)).columns if terminal else 100
        return cls(colour=colour, unicode=encoding.startswith("utf"), width=max(width, 40))

    def glyph(self, seen: Look) -> str:
        """Return the glyph of a look in this style."""
        return seen.glyph if self.unicode else seen.ascii


def duration(seconds: float) -> str:
    """Return seconds in words that are short: "0.4 s", "52 s", "6 min 10 s", "2 h 05 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Page:
    """Collects lines and tables, and gives them as one string in a style."""

    def __init__(self, style: Style) -> None:
        self.style = style
        self._buffer = StringIO()
        self._console = Console(
            file=self._buffer,
            width=style.width,
            force_terminal=style.colour,
            no_color=not style.colour,
            color_system="standard" if style.colour else None,
            legacy_windows=False,
            highlight=False,
            emoji=False,
        )

    def heading(self, text: str) -> None:
        self._console.print()
        self._console.print(Text(text, style="bold"))

    def line(self, *parts: str | Text) -> None:
        """Print one line, however long: what is to be copied must not be cut."""
        self._console.print(Text.assemble(*parts), soft_wrap=True)

    def entry(self, first: Text | str, rest: str, indent: int = 2) -> None:
        """Print `first`, then `rest` wrapped and indented under it."""
        grid = Table.grid(padding=(0, 1))
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=not rest)
        grid.add_column(overflow="fold")
        grid.add_row(" " * (indent - 1), first, escape(rest))
        self._console.print(grid)

    def table(self, table: Table) -> None:
        self._console.print(table)

    def toned(self, value: StrEnum | None, label: str | None = None) -> Text:
        seen = look(value)
        text = f"{self.style.glyph(seen)} {seen.label if label is None else label}"
        return Text(text, style=_COLOURS[seen.tone])

    def new_table(self, *columns: str) -> Table:
        table = Table(
            box=box.SIMPLE_HEAD if self.style.unicode else box.ASCII2,
            header_style="bold",
            pad_edge=False,
            safe_box=True,
        )
        for column in columns:
            table.add_column(column, overflow="fold")
        return table

    def text(self) -> str:
        lines = (line.rstrip() for line in self._buffer.getvalue().splitlines())
        text = "\n".join(lines).strip("\n") + "\n"
        return text if self.style.unicode else text.encode("ascii", "replace").decode()
