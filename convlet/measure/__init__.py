"""How fast a network is: benchmarks, profiles and the machine they ran on."""
