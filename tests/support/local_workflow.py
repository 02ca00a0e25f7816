"""A workflow run on this machine: jobs in folders of their own, artifacts in another.

What a step runs is run by bash as it stands in the file, with the environment that GitHub's runner
gives it. Of the actions there are those that this project uses; a checkout holds the noxfile and
the project's metadata, the code is what PYTHONPATH names.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any, Final

from attrs import define, field, frozen
from workflow_files import PROJECT, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

__all__ = ["JobRun", "LocalRun"]

STEP_SECONDS: Final = 600.0
_OUTPUT = re.compile(
    r"(?P<name>[\w-]+)(?:<<(?P<end>.+)\n(?P<lines>(?:.*\n)*?)(?P=end)|=(?P<value>.*))\n"
)


@frozen(kw_only=True)
class JobRun:
    """A job that has ended. `log`: per step what it wrote; `exits`: per step its exit code."""

    result: str  # success, failure, cancelled or skipped
    outputs: dict[str, Any] = field(factory=dict)
    exits: dict[str, int] = field(factory=dict)
    log: dict[str, str] = field(factory=dict)
    summary: str = ""


@define
class LocalRun:
    """A run of `workflow` in `folder`; `environment` is what the machine adds to each step."""

    workflow: dict[str, Any]
    folder: Path
    github: dict[str, Any]
    environment: dict[str, str]
    inputs: dict[str, str] = field(factory=dict)
    variables: dict[str, str] = field(factory=dict)
    jobs: dict[str, JobRun] = field(factory=dict)

    @property
    def artifacts(self) -> Path:
        return self.folder / "artifacts"

    def matrix(self, job: str) -> list[dict[str, Any]]:
        """Return the entries that a job is run for."""
        include = self.workflow["jobs"][job]["strategy"]["matrix"]["include"]
        found = expand(include, self._contexts(job), {"fromJSON": json.loads})
        assert isinstance(found, list)
        return found

    def run(
        self,
        job: str,
        matrix: dict[str, Any] | None = None,
        *,
        dies: Callable[[Path], bool] | None = None,
    ) -> JobRun:
        """Run a job in a new folder. When `dies` says so, its machine is lost: nothing follows."""
        body = self.workflow["jobs"][job]
        name = "-".join([job, *((matrix or {}).get(key, "") for key in ("shard", "pin"))]).strip(
            "-"
        )
        place = self.folder / "jobs" / f"{name}-{len(list(self.folder.glob('jobs/*')))}"
        place.mkdir(parents=True)
        contexts = self._contexts(job) | {"matrix": matrix or {}, "steps": {}}
        needed = [self.jobs[need].result for need in _list(body.get("needs", []))]
        good = all(result == "success" for result in needed)
        if not _holds(body.get("if"), contexts, good=good):
            return self._keep(job, JobRun(result="skipped"))
        done = JobRun(result="success")
        good, summary = True, ""
        for number, step in enumerate(body["steps"]):
            title = step.get("name", str(number))
            contexts["steps"].setdefault(step.get("id", title), {"outputs": {}})
            if not _holds(step.get("if"), contexts, good=good):
                continue
            runner = _Step(run=self, place=place, number=number, contexts=contexts, dies=dies)
            code, log = runner.carry_out(step)
            done.exits[title], done.log[title] = code, log
            contexts["steps"][step.get("id", title)]["outputs"] |= runner.outputs
            summary += runner.summary
            if runner.died:
                return self._keep(job, JobRun(result="cancelled", exits=done.exits, log=done.log))
            good = good and (code == 0 or step.get("continue-on-error") == "true")
        outputs = {key: expand(text, contexts, {}) for key, text in body.get("outputs", {}).items()}
        return self._keep(
            job,
            JobRun(
                result="success" if good else "failure",
                outputs=outputs,
                exits=done.exits,
                log=done.log,
                summary=summary,
            ),
        )

    def _keep(self, job: str, done: JobRun) -> JobRun:
        """Remember what became of a job; of the jobs of a matrix one failure is enough."""
        before = self.jobs.get(job)
        if before is None or before.result == "success":
            self.jobs[job] = done
        return done

    def _contexts(self, job: str) -> dict[str, Any]:
        needs = _list(self.workflow["jobs"][job].get("needs", []))
        return {
            "github": self.github,
            "inputs": self.inputs,
            "vars": self.variables,
            "needs": {
                need: {"result": self.jobs[need].result, "outputs": self.jobs[need].outputs}
                for need in needs
            },
        }


def _list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _holds(condition: str | None, contexts: Mapping[str, Any], *, good: bool) -> bool:
    """Say whether a job or step is run; without a word on it, only after success."""
    functions = {"always": lambda: True, "cancelled": lambda: False, "success": lambda: good}
    text = "success()" if condition is None else condition.strip()
    text = text if text.startswith("${{") else f"${{{{ {text} }}}}"
    asks = any(f"{name}()" in text for name in functions)
    return bool(expand(text, contexts, functions)) and (asks or good)


@define
class _Step:
    """One step of a job in `place`."""

    run: LocalRun
    place: Path
    number: int
    contexts: dict[str, Any]
    dies: Callable[[Path], bool] | None
    outputs: dict[str, Any] = field(factory=dict)
    summary: str = ""
    died: bool = False

    def carry_out(self, step: Mapping[str, Any]) -> tuple[int, str]:
        """Return the exit code, and what was written."""
        if "run" in step:
            return self._shell(step)
        action = step["uses"].partition("@")[0]
        given = {
            key: expand(text, self.contexts, {})
            for key, text in step.get("with", {}).items()
            if action != "actions/checkout"  # its repository and commit: see the module
        }
        handlers: dict[str, Callable[[dict[str, Any]], None]] = {
            "actions/checkout": self._checkout,
            "actions/setup-python": lambda _: None,  # the one that runs this
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
            "actions/attest": self._attest,
        }
        try:
            handlers[action](given)
        except FileNotFoundError as error:
            return 1, str(error)
        return 0, ""

    def _shell(self, step: Mapping[str, Any]) -> tuple[int, str]:
        if step["run"].startswith("python -m pip install "):
            return 0, "nox is there already"
        folder = self.place.parent.parent / "runner" / f"{self.place.name}-{self.number}"
        folder.mkdir(parents=True)
        files = {name: folder / name for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        for path in files.values():
            path.touch()
        github = self.run.github
        environment = self.run.environment | {
            "GITHUB_REPOSITORY": github["repository"],
            "GITHUB_SERVER_URL": "https://github.com",
            "GITHUB_RUN_ID": github["run_id"],
            **{name: str(path) for name, path in files.items()},
            **{
                name: str(value if (value := expand(text, self.contexts, {})) is not None else "")
                for name, text in step.get("env", {}).items()
            },
        }
        shell = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                shell,
                cwd=self.place,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                code = self._wait(process)
            finally:
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
        for match in _OUTPUT.finditer(files["GITHUB_OUTPUT"].read_text("utf-8")):
            lines = match["lines"]
            self.outputs[match["name"]] = match["value"] if lines is None else lines[:-1]
        self.summary = files["GITHUB_STEP_SUMMARY"].read_text("utf-8")
        return code, (folder / "log").read_text("utf-8", errors="replace")

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        if self.dies is None:
            return process.wait(STEP_SECONDS)
        end = time.monotonic() + STEP_SECONDS
        while process.poll() is None and time.monotonic() < end:
            if self.dies(self.place):
                self.died = True
                os.killpg(process.pid, signal.SIGKILL)
            time.sleep(0.05)
        return process.wait(1)

    def _checkout(self, _: dict[str, Any]) -> None:
        for name in ("noxfile.py", "pyproject.toml"):
            shutil.copy(PROJECT / name, self.place)

    def _upload(self, given: dict[str, Any]) -> None:
        source = self.place / given["path"]
        if not any(source.rglob("*")):
            raise FileNotFoundError(f"no files were found at {given['path']}")
        target = self.run.artifacts / given["name"]
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target)
        self.outputs["artifact-url"] = f"https://github.com/artifacts/{given['name']}"

    def _download(self, given: dict[str, Any]) -> None:
        to = self.place / given["path"]
        if "name" in given:
            shutil.copytree(self.run.artifacts / given["name"], to, dirs_exist_ok=True)
            return
        for artifact in sorted(self.run.artifacts.iterdir()):
            if fnmatch.fnmatchcase(artifact.name, given["pattern"]):
                into = to if given.get("merge-multiple") == "true" else to / artifact.name
                shutil.copytree(artifact, into, symlinks=True, dirs_exist_ok=True)

    def _attest(self, given: dict[str, Any]) -> None:
        if not (self.place / given["subject-path"]).is_file():
            raise FileNotFoundError(given["subject-path"])
