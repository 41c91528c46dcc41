"""`python -m notifier`, and the script `notifier`."""

from notifier.cli import main

if __name__ == "__main__":
    main()
