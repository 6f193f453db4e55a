"""The same for ``python -m bpo_analysis.cli``."""

import sys

from bpo_analysis.cli import main

sys.exit(main())
