"""``python -m imbench``."""

import sys

from imbench.cli import main

if __name__ == "__main__":
    sys.exit(main())
