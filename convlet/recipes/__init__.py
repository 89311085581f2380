"""Which settings suit these images: architectures and settings by name."""
