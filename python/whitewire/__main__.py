"""`python -m whitewire`: the command line."""

import sys

from whitewire.cli import main

sys.exit(main())
