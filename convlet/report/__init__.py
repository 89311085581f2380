"""What a person sees: tables and progress, made from result dictionaries. Knows nothing of training."""
