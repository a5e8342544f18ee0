"""Parts of a mail as Python's MIME parser makes them.

At each step it asks of what kind a part is, and looks the header up for that. The
header of a part does not change once it has been read, so the answer is kept.
"""

from email.message import Message
from email.policy import compat32


class Part(Message):
    """A part that remembers its content type."""

    _kind: str | None = None

    def get_content_type(self) -> str:
        """Answer the content type; nobody asks before the header is complete."""
        if self._kind is None:
            self._kind = super().get_content_type()
        return self._kind


POLICY = compat32.clone(message_factory=Part)
"""Makes such parts."""
