"""How wrong a network is: error, confusion, calibration, single mistakes."""
