"""What training images were like, in what another image is unlike them, and how a picture of writing is made alike."""

from convlet.likeness.batch import batch_note, notes_line
from convlet.likeness.prepare import Prepared, prepared
from convlet.likeness.training_images import TrainingImages
from convlet.likeness.unlike import range_note, unlike

__all__ = ["Prepared", "TrainingImages", "batch_note", "notes_line", "prepared", "range_note", "unlike"]
