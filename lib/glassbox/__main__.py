"""`python -m glassbox` is the command `glassbox`."""

from glassbox.cli import main

if __name__ == "__main__":
    main()
