"""`python -m convlet` is `convlet`."""

import sys

from convlet.cli import main

sys.exit(main())
