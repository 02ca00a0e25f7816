"""The command line: options, errors and exit codes; no stage runs here."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from release_gate import commands, commands_on_github
from release_gate.cli import build_parser, main
from release_gate.errors import (
    ConfigurationError,
    ExitCode,
    InfrastructureError,
    Interrupted,
    Problem,
)

if TYPE_CHECKING:
    from pathlib import Path

SLOW_TO_IMPORT = {
    "numpy",
    "rich",
    "jinja2",
    "requests",
    "github",
    "cattrs",
    "findpython",
    "cpuinfo",
}


def test_help_loads_nothing_heavy() -> None:
    program = (
        "import sys\n"
        "from release_gate.cli import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "print(*sorted(sys.modules), file=sys.stderr)"
    )
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "exit codes:" in child.stdout
    assert not SLOW_TO_IMPORT & set(child.stderr.split())


def test_the_gate_never_imports_numpy_nor_what_is_for_github_before_it_is_asked() -> None:
    program = """
import sys, release_gate.commands
print({"numpy", "release_gate.github.client"} & sys.modules.keys())
import release_gate.commands_on_github
print({"numpy", "release_gate.github.client"} & sys.modules.keys())
"""
    child = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert child.stdout.splitlines() == ["set()", "{'release_gate.github.client'}"]


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["run", "--cadidate", "0.3.34.0.0"], "did you mean '--candidate'?"),
        (["check", "numpy==2.4.6", "--kernel", "Haswell"], "did you mean '--kernels'?"),
        (["run", "--threads", "many"], "not a list of thread counts"),
        (["rum"], "invalid choice: 'rum'"),
        ([], "required: COMMAND"),
    ],
)
def test_mistyped_options_are_named(
    arguments: list[str], hint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as raised:
        main(arguments)
    assert raised.value.code == ExitCode.CONFIGURATION
    captured = capsys.readouterr()
    assert hint in captured.err
    assert captured.out == ""


def test_every_bad_value_is_told_at_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(
        [
            *("run", "--quiet", "--cache", str(tmp_path / "cache"), "--out", str(tmp_path / "out")),
            *("--kernels", "Haswel,Nehalem", "--profile", "smok", "--threads", "0,8"),
            *("--checks", "exat.*"),
        ]
    )
    assert code == ExitCode.CONFIGURATION
    told = capsys.readouterr().err
    for part in ("'Haswel'", "'Haswell'", "'smok'", "'smoke'", "0 threads", "'exat.*'"):
        assert part in told
    assert not (tmp_path / "out").exists()


def test_every_sub_command_has_a_function() -> None:
    parser = build_parser()
    listed = next(action for action in parser._actions if action.choices).choices
    assert listed is not None
    assert sorted(listed) == sorted([*commands.COMMANDS, *commands_on_github.COMMANDS])


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigurationError(Problem(what="w", where="f.toml: k", hint="h")), 2),
        (InfrastructureError(Problem(what="w", where="f.toml: k", hint="h")), 4),
        (Interrupted(Problem(what="w", where="f.toml: k", hint="h")), 130),
    ],
)
def test_errors_become_exit_codes(
    error: Exception,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(_options: object) -> int:
        raise error

    monkeypatch.setitem(commands.COMMANDS, "plan", fail)
    assert main(["plan"]) == code
    assert capsys.readouterr().err == "error: f.toml: k: w\n  hint: h\n"


def test_a_bug_of_the_gate_is_not_a_no_go(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_options: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setitem(commands.COMMANDS, "plan", fail)
    assert main(["plan"]) == ExitCode.INFRASTRUCTURE
    assert "bug in the gate" in capsys.readouterr().err


def test_explain_tells_formula_and_reason(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "exact.gemm"]) == ExitCode.GO
    told = capsys.readouterr().out
    assert "oracle:" in told
    assert "2^53" in told


def test_explain_lists_all_as_data(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "--json"]) == ExitCode.GO
    listed = json.loads(capsys.readouterr().out)
    ids = {entry["id"] for entry in listed}
    assert {"wheel.pin", "exact.gemm"} <= ids


def test_explain_names_the_nearest_check(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "exact.sykr"]) == ExitCode.CONFIGURATION
    assert "did you mean 'exact.syrk'?" in capsys.readouterr().err


@pytest.mark.parametrize("content", ["", "{", "[]", '{"schema": "other"}', "\0"])
def test_results_that_cannot_be_read_are_all_named(
    content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "cells" / "bad.json"
    bad.parent.mkdir()
    bad.write_text(content)
    code = main(["judge", str(bad), str(tmp_path / "gone.json"), "--out", str(tmp_path / "out")])
    assert code == ExitCode.CONFIGURATION
    told = capsys.readouterr().err
    assert "bad.json" in told
    assert "gone.json" in told
    assert "plan.json" in told
    assert not (tmp_path / "out").exists()


def test_an_output_folder_that_cannot_be_written_is_told_before_any_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").write_text("a file")
    code = main(["run", "--quiet", "--cache", str(tmp_path), "--out", str(tmp_path / "out")])
    assert code == ExitCode.CONFIGURATION
    assert "--out" in capsys.readouterr().err


def test_a_list_that_is_given_twice_is_longer() -> None:
    options = build_parser().parse_args(
        ["plan", "--checks", "exact.gemm", "--threads=1", "--checks", "wheel.*,exact.dot"]
    )
    assert options.checks == ["exact.gemm", "wheel.*", "exact.dot"]
    assert options.threads == [1]
    assert options.kernels is None
