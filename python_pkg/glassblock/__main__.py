"""``python -m glassblock``."""

from glassblock.cli import main

raise SystemExit(main())
