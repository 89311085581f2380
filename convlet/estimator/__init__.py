"""How scikit-learn sees a network: `ConvNetClassifier`, its inputs, parameters and callbacks."""
