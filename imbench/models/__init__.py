"""Models: the net as a scikit-learn classifier, its backbones, and preprocessing."""
