"""Neural networks as scikit-learn classifiers, trained in stacks."""
