"""Lets `python -m cli` stand for `bavn`."""

from cli.main import main

if __name__ == "__main__":
    main()
