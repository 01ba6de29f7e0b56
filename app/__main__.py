"""The command line, also installed as `diptych`; a command loads what it needs when it is called."""

import sys
from errno import EDQUOT, EFBIG, ENOSPC

from app.command_line.interrupts.loading import INTERRUPTED, loading

with loading():
    import typer

    from app.command_line.access import revoke, token
    from app.command_line.backups import backup, restore
    from app.command_line.check import check
    from app.command_line.demo import demo
    from app.command_line.doctor import doctor
    from app.command_line.events import events
    from app.command_line.people import expire, forget, seal
    from app.command_line.read_models.building import build
    from app.command_line.read_models.projections import projections
    from app.command_line.serve import serve

command_line = typer.Typer(
    name="diptych",
    help="A CQRS service with a GraphQL API: commands in, documents out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
command_line.command()(serve)
command_line.command()(demo)
command_line.command()(token)
command_line.command()(revoke)
command_line.command()(check)
command_line.command()(doctor)
command_line.command()(forget)
command_line.command()(seal)
command_line.command()(expire)
command_line.command()(backup)
command_line.command()(restore)
command_line.command(hidden=True)(build)
command_line.add_typer(events, name="events")
command_line.add_typer(projections, name="projections")


@command_line.command()
def schema() -> None:
    """Print the GraphQL schema."""
    from schema.root import sdl

    typer.echo(sdl(), nl=False)


def main() -> None:
    """Run the command that the arguments name."""
    try:
        command_line(prog_name="diptych")
    except KeyboardInterrupt:  # It came before or after the command's own work.
        sys.exit(INTERRUPTED)
    except OSError as error:  # Commands explain those of their stores and files.
        if error.errno not in (ENOSPC, EDQUOT, EFBIG) or error.filename is not None:
            raise
        sys.exit(f"The output can't be written: {error.strerror}.")


if __name__ == "__main__":
    main()
