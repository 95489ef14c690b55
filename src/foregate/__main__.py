"""`python -m foregate`: the command line, where its command is not on the path."""

from foregate.cli import main

__all__: list[str] = []

if __name__ == "__main__":
    main()
