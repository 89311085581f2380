"""What a template reads."""

from __future__ import annotations

View = dict[str, object]
"""Values by the names that a template knows. Nothing else reads them, so each may be anything."""
