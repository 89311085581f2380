"""The order of the float32 numbers that an update kernel is told. CORRECTION is sqrt(1 - beta2^t)."""

RATE, WEIGHT_DECAY, FIRST, SECOND, EPSILON, NESTEROV, CORRECTION, LEARNING_RATE, DECOUPLED = range(9)
SETTINGS = 9
