"""Faults planted into a real OpenBLAS: a library that defines some routines wrongly, for a NumPy.

The faulty library names a copy of the real one as its dependency. Whoever loads it, NumPy by its
name or ctypes by its handle, finds the faulty routine first and every other one in the real
library. Calls inside the real library are not caught: a fault in gemm does not spoil LU.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from release_gate.execution.environment import child_environment

__all__ = ["PRELUDE", "ask_checks", "plant", "run_tool"]

#: What the C source of a fault starts with: `real("cblas_dgemm")` is the routine of the real
#: library, `fault("name")` whether the environment variable PLANTED_FAULT names this fault now.
PRELUDE = """
#include <dlfcn.h>
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void *real(const char *name) {
    static void *handle;
    char symbol[64] = "scipy_";
    if (!handle) handle = dlopen(REAL_LIBRARY, RTLD_NOW);
    strcat(strcat(symbol, name), SUFFIX);
    return dlsym(handle, symbol);
}

static int fault(const char *name) {
    const char *planted = getenv("PLANTED_FAULT");
    return planted && !strcmp(planted, name);
}
"""


def plant(
    site: Path, source: str, folder: Path, *, package: str = "numpy", suffix: str = "64_"
) -> Path:
    """Compile `source` and put it in place of the OpenBLAS of `package` in `site`.

    `suffix` is what the library's names end with. Returns a copy of `site` (hard links) inside
    `folder`. `site` is left as it was.
    """
    (library,) = (site / f"{package}.libs").glob("libscipy_openblas*.so")
    folder.mkdir(parents=True, exist_ok=True)
    real = (folder / "real.so").resolve()
    shutil.copy2(library, real)
    run_tool("patchelf", "--set-soname", str(real), "--set-rpath", str(library.parent), str(real))
    (folder / "fault.c").write_text(PRELUDE + source)
    faulty = folder / library.name
    run_tool(
        os.environ.get("CC", "cc"),
        *("-shared", "-fPIC", "-O1", "-fno-builtin", f'-DREAL_LIBRARY="{real}"'),
        f'-DSUFFIX="{suffix}"',
        *("-o", str(faulty), str(folder / "fault.c"), f"-Wl,-soname,{library.name}"),
        *("-Wl,--no-as-needed", str(real), "-ldl", "-lm"),
    )
    copy = folder / "site"
    shutil.copytree(site, copy, copy_function=os.link)
    (copy / library.parent.name / library.name).unlink()
    shutil.copy2(faulty, copy / library.parent.name / library.name)
    return copy


def run_tool(*command: str) -> None:
    """Run a compiler or the like, also those beside this Python; AssertionError if it fails."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


_DRIVER = """
import importlib, json, os, sys
import numpy
from checks import api, blas
job = json.load(sys.stdin)
library = blas.find_library(numpy)
for module in job["modules"]:
    importlib.import_module("checks." + module)
exec(job["before"])
for fault, check, threads in job["asked"]:
    os.environ["PLANTED_FAULT"] = fault
    library.set_num_threads(threads)
    context = api.Context(blas=library, threads=threads, profile="smoke", seed=job["seed"])
    reason = ""
    try:
        api.CHECKS[check].function(context)
        outcome = "failed" if context.cases_failed else "passed"
    except api.NotExercised as error:
        outcome, reason = "not-exercised", str(error)
    answer = {"outcome": outcome, "reason": reason, "cases": context.cases,
              "run": context.cases_run, "failed": context.cases_failed}
    print(json.dumps(answer), flush=True)
"""


def ask_checks(
    site: Path,
    modules: list[str],
    asked: list[tuple[str, str, int]],
    *,
    seed: int = 1,
    kernel: str | None = None,
    timeout: float = 240,
    before: str = "",
) -> list[dict[str, Any]]:
    """Answer (fault, check id, threads) one after the other in one process.

    `modules` register the checks; `timeout` is for all of them, in seconds; `before` is Python that
    the process runs first. Each answer has outcome, reason, cases, run, failed.
    """
    project = Path(__file__).parents[2]
    environment = child_environment(kernel, 1)
    environment["PYTHONPATH"] = os.pathsep.join([str(site), str(project)])
    job = {"modules": modules, "asked": asked, "seed": seed, "before": before}
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", _DRIVER],
        input=json.dumps(job),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert len(answers) == len(asked), (len(answers), done.returncode, done.stderr[-3000:])
    return answers
