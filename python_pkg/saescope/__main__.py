"""``python -m saescope``."""

import sys

from saescope.cli.main import main

sys.exit(main())
