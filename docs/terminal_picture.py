"""Draw docs/terminal.svg from a real session: the example project reported, and the run shown."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

_SHOP = Path(__file__).parents[1] / "examples" / "shop"
_COMMANDS = (
    "pytest --platform-report -n 2 --tb=no -r N --color=yes",
    "platform-report show",
)
_LINES = 46


def main() -> None:
    """Run the commands on a terminal of their own and draw what they print."""
    console = Console(record=True, width=110, file=open(os.devnull, "w"))  # noqa: PTH123, SIM115
    for command in _COMMANDS:
        console.print(Text(f"$ {command}", style="bold"))
        for line in _run(command)[:_LINES]:
            console.print(Text.from_ansi(line.rstrip()))
    console.save_svg(str(Path(__file__).with_name("terminal.svg")), title="pytest --platform-report")


def _run(command: str) -> list[str]:
    words = ["script", "--quiet", "--command", f"{Path(sys.executable).parent}/{command}", os.devnull]
    shown = subprocess.run(words, cwd=_SHOP, capture_output=True, text=True, check=False).stdout  # noqa: S603
    return [line.rpartition("\r")[2] for line in shown.replace("\r\n", "\n").splitlines()]


if __name__ == "__main__":
    main()
