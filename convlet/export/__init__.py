"""Models for other programs.

import convlet as cv

done = cv.export.write(model, "digits.onnx", to="onnx", check=images)
print(done.agreement)  # same class on 20 of 20 images, largest difference of a probability 3e-7
"""

from convlet.export.proof import Agreement
from convlet.export.writing import Exported, write

__all__ = ["Agreement", "Exported", "write"]
