"""A group of commands, as its help lists them, and the text that every command takes."""

from typing import Any

import click

from shared.text import composed, fault

LONGEST_SENTENCE = 200
LONGEST_TEXT = 20_000  # letters, as over HTTP


class Text(click.ParamType[str]):
    """A text as all doors take it (shared/text.py), composed."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if len(value) > LONGEST_TEXT:
            self.fail(f"Chỉ được có nhiều nhất {LONGEST_TEXT} ký tự.", param, ctx)
        if wrong := fault(value, lines=True):
            self.fail(wrong, param, ctx)
        return composed(value)


TEXT = Text()


def checking(command: click.Command) -> click.Command:
    """The command, with every text of its own and of its commands checked; what has a type of its own stays."""
    for param in command.params:
        if param.type is click.STRING:
            param.type = TEXT
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        checking(inner)
    return command


class Group(click.Group):
    """Lists each command with its whole first sentence, wrapped; click cuts it at the end of the line."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        named = ((name, self.get_command(ctx, name)) for name in self.list_commands(ctx))
        rows = [
            (name, command.get_short_help_str(LONGEST_SENTENCE))
            for name, command in named
            if command is not None and not command.hidden
        ]
        with formatter.section("Lệnh"):
            formatter.write_dl(rows)
