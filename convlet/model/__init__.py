"""What is left after training: a trained network, its predictions, its file and its checks."""
