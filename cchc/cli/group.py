"""A group of commands, as its help lists them."""

import click

LONGEST_SENTENCE = 200


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
