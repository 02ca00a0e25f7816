"""Questions that need a process of their own: a new interpreter that runs one function.

For what a process can do only once (load the library, set its first thread count, end), and for
what may leave it damaged.
"""

import json
import os
import subprocess
import sys
from typing import NamedTuple

__all__ = ["Ended", "run_alone"]

PROGRAM = (
    "import importlib, json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "module, function, arguments = json.loads(sys.argv[2]); "
    "getattr(importlib.import_module(module), function)(*arguments)"
)


class Ended(NamedTuple):
    """How an interpreter ended: its status (negative: signal), stdout and stderr."""

    status: int
    output: str
    errors: str

    def trouble(self):
        """Return what was wrong with the end, in a line, or None."""
        if not self.status:
            return None
        what = "status %d" % self.status
        if self.status < 0:
            what = "died with signal %d" % -self.status
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return "%s; %s" % (what, " / ".join(lines[-3:])[-300:])

    def failure(self):
        """Return what was wrong with the end, or that there is no answer, in a line; else None."""
        return self.trouble() or ("ended without an answer" if self.answer() is None else None)

    def answer(self):
        """Return the JSON of the last line that was printed, or None."""
        lines = self.output.strip().splitlines()
        return json.loads(lines[-1]) if lines and lines[-1][:1] in "[{" else None


def run_alone(ctx, function, *arguments, environment=None):
    """Run `function` of a module of this package in a new interpreter; return how it `Ended`.

    `arguments` as JSON can hold them; `environment`: variables to set, or to remove (None).
    Waits without a limit and without CPU time: what hangs is for the gate's watchdog to see.
    """
    command = [sys.executable, "-s", "-B", "-X", "faulthandler", "-c", PROGRAM]
    command += [json.dumps(sys.path)]
    command += [json.dumps([function.__module__, function.__name__, arguments])]
    variables = dict(os.environ)
    for name, value in (environment or {}).items():
        variables.pop(name, None)
        if value is not None:
            variables[name] = value
    try:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=variables,
        )
    except OSError as error:  # an emulated interpreter that the system cannot start by itself
        ctx.unsupported("cannot start %s: %s" % (sys.executable, error))
    output, errors = process.communicate()
    return Ended(process.returncode, output.decode(), errors.decode(errors="replace"))
