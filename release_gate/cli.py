"""The command line: parses, calls one function per sub-command, turns errors into exit codes.

stdout carries the result, stderr the talk. Everything heavy is imported by the sub-command that
needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import argparse
import sys
import traceback
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from release_gate import __version__
from release_gate.errors import ExitCode, GateError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["build_parser", "main"]

EXIT_CODES = """\
exit codes:
  0    GO (check: all passed)
  1    NO-GO (check: something failed)
  2    usage or configuration: every problem is listed, with file and key
  3    INCONCLUSIVE (check: nothing conclusive)
  4    infrastructure: machine, package index or tool; what is finished is kept
  130  interrupted: the same command goes on where it stopped
"""


class _Parser(argparse.ArgumentParser):
    """Names the nearest option when one is mistyped."""

    def parse_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> argparse.Namespace:
        parsed, unknown = self.parse_known_args(args, namespace)
        if unknown:
            command = self._command(parsed)
            known = list(command._option_string_actions)  # noqa: SLF001  (no public way)
            hints = (
                f"{word!r}" + (f" ({hint})" if (hint := did_you_mean(word, known)) else "")
                for word in unknown
            )
            command.error("unknown arguments: " + ", ".join(hints))
        return parsed

    def _command(self, parsed: argparse.Namespace) -> argparse.ArgumentParser:
        parser = getattr(parsed, "parser", self)
        assert isinstance(parser, argparse.ArgumentParser)
        return parser

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(ExitCode.CONFIGURATION, f"error: {message}\nhint: {self.prog} --help\n")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _counts(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(count) for count in _names(text))
    except ValueError as error:
        message = f"{text!r} is not a list of thread counts such as 1,8"
        raise argparse.ArgumentTypeError(message) from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no day such as 2026-12-31") from error


def _common(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("common options")
    group.add_argument("--matrices", type=Path, metavar="DIR", help="folder of pins and policy")
    group.add_argument("--cache", type=Path, metavar="DIR", help="folder for finished work")
    group.add_argument("--index-url", metavar="URL", help="package index (default: pip's)")
    group.add_argument("--quiet", action="store_true", help="no progress, only the result")


def _selection(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is checked")
    group.add_argument(
        "--kernels",
        action="extend",
        type=_names,
        metavar="A,B",
        help="OpenBLAS cores (default: all that run)",
    )
    group.add_argument(
        "--threads",
        action="extend",
        type=_counts,
        metavar="N,M",
        help="BLAS threads (default: 1,8)",
    )
    group.add_argument(
        "--checks",
        action="extend",
        type=_names,
        metavar="GLOB",
        help="check ids, such as 'exact.*'",
    )
    group.add_argument("--profile", metavar="NAME", help="smoke (default), full or stress")


def _pins(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what is compared")
    group.add_argument("--numpy", metavar="VERSION|PATH", help="release, checkout or wheel")
    group.add_argument("--python", metavar="PYTHON", help="interpreter or version to build for")
    group.add_argument("--baseline", metavar="PIN", help="OpenBLAS to compare with, or 'none'")
    group.add_argument(
        "--candidate", action="append", metavar="PIN", help="OpenBLAS in question (repeatable)"
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of every sub-command."""
    parser = _Parser(
        prog="release-gate",
        description="Decide, with evidence, whether a NumPy may ship with an OpenBLAS.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(metavar="COMMAND", required=True, parser_class=_Parser)

    def add(name: str, help_text: str) -> _Parser:
        command = commands.add_parser(
            name,
            help=help_text,
            description=help_text[0].upper() + help_text[1:] + ".",
            epilog=EXIT_CODES,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        assert isinstance(command, _Parser)
        command.set_defaults(command=name, parser=command)
        _common(command)
        return command

    _fan_out(add)
    run = add("run", "build, check, judge and report (= nox -s gate)")
    _pins(run)
    _selection(run)
    run.add_argument("--out", type=Path, metavar="DIR", help="folder of the report (gate-report)")
    run.add_argument("--fresh", action="store_true", help="reuse no wheel and no result")
    _jobs(run, "compiler processes and cells at a time")
    run.add_argument("--json", action="store_true", help="the report as data on stdout")

    _build(add)

    check = add("check", "check any NumPy wheel, with its own OpenBLAS or another")
    check.add_argument("wheel", metavar="WHEEL", help="a .whl file or a requirement: numpy==2.4.6")
    check.add_argument("--openblas", metavar="PIN|FILE", help="replace the bundled library first")
    check.add_argument("--python", metavar="PYTHON", help="interpreter to use (default: by tag)")
    _selection(check)
    check.add_argument("--fresh", action="store_true", help="reuse no result")
    _jobs(check, "cells at a time")
    check.add_argument("--json", metavar="OUT", help="write the results to a file, or - for stdout")

    judge = add("judge", "fan in: decide from the results of all cells of a plan")
    judge.add_argument(
        "results",
        nargs="+",
        type=Path,
        metavar="RESULT",
        help="result files, or folders with those of shards",
    )
    judge.add_argument("--plan", type=Path, help="plan.json (default: beside the results)")
    judge.add_argument("--out", type=Path, metavar="DIR", help="folder of the report (gate-report)")
    judge.add_argument("--date", type=_day, metavar="DAY", help="judge as of 2026-12-31, say")
    judge.add_argument("--ignore-waivers", action="store_true", help="as if there were none")
    judge.add_argument("--json", action="store_true", help="the report as data on stdout")
    judge.add_argument(
        "--github",
        action="store_true",
        help="the verdict as an output too, appended to $GITHUB_OUTPUT if that is set",
    )

    report = add("report", "show the report of an earlier run")
    report.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="(gate-report)")
    form = report.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="the report as data")
    form.add_argument(
        "--summary",
        action="store_true",
        help="as Markdown, appended to $GITHUB_STEP_SUMMARY, or on stdout when it is not set",
    )

    _references(add)
    pins = add("pins", "print the matrices/ entry of an OpenBLAS on the package index")
    pins.add_argument("version", nargs="?", help="version (default: list those on the index)")
    pins.add_argument(
        "--project", choices=("scipy-openblas64", "scipy-openblas32"), default="scipy-openblas64"
    )
    return parser


def _fan_out(add: Callable[[str, str], _Parser]) -> None:
    """Add the sub-commands that spread a plan over machines."""
    plan = add("plan", "say what would run, how long, and what would not be covered")
    _pins(plan)
    _selection(plan)
    plan.add_argument(
        "--platforms",
        action="extend",
        type=_names,
        metavar="A,B",
        help="plan for these of platforms.toml, or all that can be had (default: this machine)",
    )
    plan.add_argument("--out", type=Path, metavar="DIR", help="write DIR/plan.json")
    plan.add_argument(
        "--github",
        action="store_true",
        help="the jobs as data, appended to $GITHUB_OUTPUT, or on stdout when it is not set",
    )
    plan.add_argument("--json", action="store_true", help="the plan as data")

    cells = add("cells", "check the cells of one shard of a plan, on a machine of its platform")
    cells.add_argument("--plan", type=Path, required=True, metavar="FILE", help="plan.json")
    cells.add_argument("--shard", required=True, metavar="ID", help="as plan --github names it")
    cells.add_argument(
        "--wheels", type=Path, required=True, metavar="DIR", help="DIR/VERSION OF THE PIN/*.whl"
    )
    cells.add_argument("--out", type=Path, required=True, metavar="DIR", help="DIR/shard-ID/*.json")
    cells.add_argument("--python", metavar="PYTHON", help="interpreter to use (default: by tag)")
    cells.add_argument("--fresh", action="store_true", help="reuse no result")
    _jobs(cells, "cells at a time")


def _jobs(command: _Parser, what: str) -> None:
    command.add_argument("--jobs", type=int, metavar="N", help=f"{what} (default: by the cores)")


def _build(add: Callable[[str, str], _Parser]) -> None:
    """Add the sub-command that only builds."""
    build = add("build", "build the wheels only, and print where they are")
    _pins(build)
    build.add_argument("--fresh", action="store_true", help="build from scratch")
    _jobs(build, "compiler processes")
    build.add_argument("--json", action="store_true", help="the wheels as data")
    how = build.add_argument_group(
        "how",
        "cibuildwheel is configured by matrices/cibuildwheel.toml; of its variables only\n"
        "CIBW_CONTAINER_ENGINE and CIBW_CACHE_PATH are heeded",
    )
    how.add_argument(
        "--builder",
        choices=("native", "cibuildwheel"),
        default="native",
        help="native (default): on this machine, compiled once for all pins; cibuildwheel: as "
        "NumPy's release does, each in a fresh container (Docker or Podman; without either, "
        "natively)",
    )
    how.add_argument(
        "--image",
        action="append",
        default=[],
        metavar="KEY=IMAGE",
        help="container image, such as manylinux-x86_64=localhost/mine (repeatable)",
    )
    what = build.add_argument_group("one job of a plan")
    what.add_argument("--plan", type=Path, metavar="FILE", help="plan.json (default: plan now)")
    what.add_argument("--platform", metavar="NAME", help="of the plan (default: this machine's)")
    what.add_argument("--pin", metavar="PIN", help="of the plan (default: all of the platform)")
    what.add_argument(
        "--out",
        dest="wheelhouse",
        type=Path,
        metavar="DIR",
        help="copy each wheel to DIR/VERSION OF THE PIN/ (default: the cache only)",
    )


def _references(add: Callable[[str, str], _Parser]) -> None:
    """Add the sub-commands that look something up."""
    waive = add("waive", "print the waiver of a finding, to fill in and put into waivers.toml")
    waive.add_argument("finding", metavar="FINDING", help="id of a finding, as the report has it")
    waive.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="(gate-report)")
    waive.add_argument("--who", default="", metavar="NAME", help="who answers for it")
    waive.add_argument("--reason", default="", metavar="TEXT", help="why it may ship all the same")
    waive.add_argument("--days", type=int, default=60, metavar="N", help="from today (default: 60)")

    lookup = add("lookup", "ask GitHub about the findings of a report: states, candidates")
    lookup.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="(gate-report)")
    lookup.add_argument(
        "--strict", action="store_true", help="exit with 4 when something could not be asked"
    )
    lookup.add_argument("--json", action="store_true", help="as data")

    _publish(add)
    _answers(add)
    draft = add("draft", "write the text of a new issue for a finding; nothing is sent")
    draft.add_argument("finding", metavar="FINDING", help="id of a finding, as the report has it")
    draft.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="(gate-report)")
    draft.add_argument("--json", action="store_true", help="as data")

    diff = add("diff", "say what changed from one report to another (exit 1: for the worse)")
    diff.add_argument("before", type=Path, metavar="A", help="folder of a report, or report.json")
    diff.add_argument("after", type=Path, metavar="B", help="the same")
    diff.add_argument("--json", action="store_true", help="as data")

    advise = add("advise", "say what is known of an OpenBLAS, without a build or a run")
    advise.add_argument("pin", metavar="PIN", help="0.3.34.481.3 or scipy-openblas64==0.3.34.481.3")
    advise.add_argument("--report", type=Path, metavar="DIR", help="a run of it (gate-report)")
    advise.add_argument("--json", action="store_true", help="as data")

    explain = add("explain", "say what a check or a known issue is about, and what to do with it")
    explain.add_argument("id", nargs="?", metavar="ID", help="of a check or issue (default: list)")
    explain.add_argument("--json", action="store_true", help="as data")


def _publish(add: Callable[[str, str], _Parser]) -> None:
    publish = add("publish", "write a report as one comment on an issue, as a check at a commit")
    publish.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="(gate-report)")
    publish.add_argument("--issue", metavar="OWNER/REPO#N", help="issue or pull request")
    publish.add_argument("--commit", metavar="SHA", help="commit of a check run, or of a status")
    publish.add_argument(
        "--repository", metavar="OWNER/REPO", help="of the commit (default: that of the issue)"
    )
    publish.add_argument("--run-url", metavar="URL", help="workflow run that is linked to")
    publish.add_argument(
        "--key", metavar="NAME", help="tells gates of one issue apart: each has its comment"
    )
    publish.add_argument(
        "--dry-run", action="store_true", help="print what would be sent; change nothing"
    )
    publish.add_argument("--json", action="store_true", help="what came of it as data")


def _answers(add: Callable[[str, str], _Parser]) -> None:
    """Add the sub-commands that workflows start with: what is asked for, what is new."""
    command = add("command", "answer a command in a comment on GitHub: /gate run, /gate help")
    command.add_argument(
        "--event", type=Path, required=True, metavar="FILE", help="the event: $GITHUB_EVENT_PATH"
    )
    command.add_argument(
        "--out", type=Path, required=True, metavar="FILE", help="what is asked for, as JSON"
    )

    newest = add("newest", "say whether the index has an OpenBLAS that is newer than all pins")
    newest.add_argument(
        "--issue", metavar="OWNER/REPO", help="if it has, find or open the one issue about it"
    )
    form = newest.add_mutually_exclusive_group()
    form.add_argument(
        "--github",
        action="store_true",
        help="as outputs, appended to $GITHUB_OUTPUT, or on stdout when it is not set",
    )
    form.add_argument("--json", action="store_true", help="as data")


def _handler(command: str) -> Callable[[argparse.Namespace], int]:
    """Import what a sub-command needs: ``--help`` and mistakes are answered without."""
    from release_gate.commands import COMMANDS

    if command in COMMANDS:
        return COMMANDS[command]
    from release_gate.commands_on_github import COMMANDS as ON_GITHUB

    return ON_GITHUB[command]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command and return its exit code (see `ExitCode`)."""
    options = build_parser().parse_args(arguments)
    try:
        return _handler(options.command)(options)
    except GateError as error:
        for problem in error.problems:
            print(f"error: {problem}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("interrupted: what is finished is kept; the same command goes on", file=sys.stderr)
        return ExitCode.INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has gone, as in `... | head`
        sys.stderr.close()
        return ExitCode.INFRASTRUCTURE
    except Exception:  # noqa: BLE001  (uncaught, it would exit with 1: that is NO-GO)
        traceback.print_exc()
        print("error: this is a bug in the gate, and no verdict; please report it", file=sys.stderr)
        return ExitCode.INFRASTRUCTURE


if __name__ == "__main__":
    sys.exit(main())
