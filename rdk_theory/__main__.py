"""``python -m rdk_theory`` is ``rdk``."""

import sys

from rdk_theory.cli import main

sys.exit(main())
