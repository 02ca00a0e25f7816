"""The grammar of commands: what is one, and what is said of what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from release_gate.github.command import KEYS, Verb, find_command
from release_gate.github.outputs import render_outputs


def test_a_command_is_a_line_of_a_paragraph() -> None:
    found = find_command("Please.\n/gate run candidate=0.3.34.481.3 numpy=v2.5.5\r\nThanks!")
    assert found is not None
    assert (found.verb, found.problems) == (Verb.RUN, ())
    assert found.values == {"candidate": "0.3.34.481.3", "numpy": "v2.5.5"}


@pytest.mark.parametrize("verb", list(Verb))
def test_every_verb_stands_alone(verb: Verb) -> None:
    found = find_command(f"/gate {verb}  ")
    assert found is not None
    assert (found.verb, found.values, found.problems) == (verb, {}, ())


@pytest.mark.parametrize(
    "comment",
    [
        "> /gate run",
        "> said\n/gate run",  # still the quotation, without a > of its own
        "```\n/gate run\n```",
        "~~~sh\n/gate run",
        "    /gate run",
        "`a\n/gate run`",
        "- /gate run",
        "1. x\n   /gate run",
        "# /gate run",
        "/gate run\n====",
        "<!--\n\n/gate run\n\n-->",
        "text <!--\n/gate run\n-->",
        "a | b\n--|--\n/gate run | x",
        "say /gate run",
        "/gaterun",
        "/Gate run",
        "/g\u0430te run",  # a Cyrillic a
        "\uff0fgate run",
        "/gate\u200b run",
        "\u202e/gate run",
        "",
    ],
)
def test_what_is_shown_otherwise_is_no_command(comment: str) -> None:
    assert find_command(comment) is None


@pytest.mark.parametrize(
    ("comment", "told"),
    [
        ("/gate run\n\n/gate status", "2 commands in one comment"),
        ("/gate rum", "did you mean 'run'?"),
        ("/gate run *profile=full*", "formatting"),
        ("/gate run numpy&#61;main", "formatting"),
        ("/gate run numpy\uff1dmain", "U+FF1D (FULLWIDTH EQUALS SIGN)"),
        ("/gate run profile=f\u0443ll", "U+0443 (CYRILLIC SMALL LETTER U)"),
        ("/gate run profile=full\u200b", "U+200B (ZERO WIDTH SPACE)"),
        ("/gate run\u00a0profile=full", "U+00A0 (NO-BREAK SPACE)"),
        ("/gate run canddate=newest", "did you mean 'candidate'?"),
        ("/gate run profile=full profile=full", "given twice"),
        ("/gate run profile = full", "without spaces around ="),
        ("/gate run profile= full", "has no value"),
        ("/gate run full", "no key=value"),
        ("/gate status now", "takes no options"),
        ("/gate run numpy=$(id)", "is no value"),
        ("/gate run numpy=main;id", "is no value"),
        ("/gate run numpy=--help", "is no value"),
        ("/gate run numpy=../../x", "is no value"),
        ("/gate run " + "x=1 " * 16_000, "16000 options are too many"),
    ],
)
def test_mistakes_are_named(comment: str, told: str) -> None:
    found = find_command(comment)
    assert found is not None
    assert told in "\n".join(map(str, found.problems))


def test_all_mistakes_are_told_at_once() -> None:
    found = find_command("/gate run nupmy=2.5.5 profile= platforms=a platforms=b `")
    assert found is not None
    assert len(found.problems) == 4


@given(st.text(max_size=60))
def test_only_plain_values_get_through(text: str) -> None:
    found = find_command(f"/gate run numpy=main {text}")
    for key, value in found.values.items() if found else ():
        assert key in KEYS
        assert value.isascii()
        assert not set(value) & set(" \t\r\n\0\"'`$;&|<>(){}[]*?!#~^\\=%@:")


@pytest.mark.parametrize("hostile", ["`", "[", ">", "*a", "<", "\\", "- ", "<!--", "&", "\0", "🦆"])
def test_a_comment_of_65536_characters_is_read_in_time(hostile: str) -> None:
    comment = "/gate help\n\n" + hostile * ((65_536 - 12) // len(hostile))
    found = find_command(comment)
    assert found is not None
    assert found.verb is Verb.HELP


def test_an_output_cannot_end_itself() -> None:
    written = render_outputs({"a": "1\nend\nb=2", "b": "x"}).splitlines()
    end = written[0].removeprefix("a<<")
    assert len(end) > 32
    assert written.index(end) == 4
    assert render_outputs({"a": ""}) != render_outputs({"a": ""})
    with pytest.raises(ValueError, match="a b"):
        render_outputs({"a b": ""})
