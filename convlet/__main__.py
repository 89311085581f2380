"""`python -m convlet`, and the program `convlet`."""

# Nothing else may be imported before the current folder is out of the module path; see `leave_current_folder`.
import sys

from convlet.system.modules import leave_current_folder


def main() -> int:
    """Run the command line; the exit code."""
    leave_current_folder()
    from convlet.cli import main as run

    return run()


if __name__ == "__main__":
    sys.exit(main())
