"""Makes the tenants whose mail the stages see importable."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
