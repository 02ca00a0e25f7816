"""What the sub-commands do that talk to GitHub; loaded for these alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from release_gate import wire
from release_gate.commanding import obey, request_data
from release_gate.console import open_shop, progress_of, say, stdout_style
from release_gate.errors import ExitCode
from release_gate.github.client import Access, Client
from release_gate.github.event import read_event
from release_gate.github.lookup import look_up
from release_gate.github.outputs import render_outputs, write_outputs
from release_gate.github.request import Tables
from release_gate.github.target import Target
from release_gate.newest import as_data, find_newest, open_issue, outputs_of, tell
from release_gate.publishing import publish
from release_gate.report.document import read_report, report_file
from release_gate.report.looked_up import render_lookup

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable

__all__ = ["COMMANDS"]

LOOKUP_SCHEMA = "release-gate/lookup/1"


def _lookup(options: Namespace) -> int:
    """Say what GitHub says; with ``--strict`` what could not be asked is an error."""
    client = Client(Access.from_environment(), say=progress_of(options).say)
    found = look_up(read_report(report_file(options.folder)), client)
    if options.json:
        say(wire.document(LOOKUP_SCHEMA, found))
    else:
        say(render_lookup(found, stdout_style()))
    return ExitCode.INFRASTRUCTURE if options.strict and found.not_asked else ExitCode.GO


def _publish(options: Namespace) -> int:
    names = ("issue", "commit", "repository", "run_url", "key")
    text, code = publish(
        options.folder,
        Target.parse(**{name: getattr(options, name) for name in names}),
        dry_run=options.dry_run,
        as_data=options.json,
        progress=progress_of(options),
    )
    say(text)
    return code


def _command(options: Namespace) -> int:
    event = read_event(options.event, os.environ)
    shop = open_shop(options)
    client = Client(Access.from_environment(), say=shop.progress.say, per_page=100)
    tables = Tables(matrices=shop.matrices, specs=tuple(shop.specs.values()), index=shop.index)
    outcome = obey(event, tables, client, os.environ)
    outputs = {"request": "false"}
    if outcome.request is not None:
        wire.write_json(options.out, request_data(outcome.request))
        outputs = {"request": "true", **outcome.request.outputs}
    write_outputs(outputs, os.environ)
    say(outcome.told)
    return ExitCode.GO


def _newest(options: Namespace) -> int:
    shop = open_shop(options)
    provider = shop.matrices.newest_pin().provider
    found = find_newest(shop.index.packages(provider), shop.matrices)
    issue = open_issue(found, options.issue, shop.progress) if options.issue else None
    if options.github:
        values = outputs_of(found, issue)
        if write_outputs(values, os.environ) is None:
            say(render_outputs(values).rstrip("\n"))
    else:
        say((as_data if options.json else tell)(found, issue))
    return ExitCode.GO


COMMANDS: dict[str, Callable[[Namespace], int]] = {
    "lookup": _lookup,
    "publish": _publish,
    "command": _command,
    "newest": _newest,
}
