"""`python -m modiste` is `modiste`."""

from modiste.cli.main import main

if __name__ == "__main__":
    main()
