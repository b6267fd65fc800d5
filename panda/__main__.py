"""`python -m panda`: the command line, with user errors as one clear line and no traceback."""

from __future__ import annotations

import os
import sys
from typing import NoReturn


def main() -> None:
    """Run the command line; the exit code is 1 for a user's error and 75 for work paused on purpose."""
    from panda.cli import app
    from panda.core.errors import PandaError
    from panda.core.files import NO_SPACE

    try:
        app()
    except PandaError as error:
        print(f"error: {error}" if error.exit_code == 1 else f"paused: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # The reader of our output has gone (`| head`); silence the interpreter's own complaint at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        if error.errno is None:
            raise
        advice = (
            "free some and run it again" if error.errno in NO_SPACE else "correct the path or its permissions"
        )
        what = "no space left on the disk" if error.errno in NO_SPACE else os.strerror(error.errno).lower()
        _stop(f"{error.filename or 'the output'}: {what}; {advice}")
    except MemoryError as error:
        _stop(
            f"out of memory{f' ({error})' if str(error) else ''}; use a machine with more, or ask for less at once"
        )


def _stop(message: str) -> NoReturn:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)


if __name__ == "__main__":
    main()
