"""Strategies: bundles of interventions at the seven stages of training, in this order."""

STAGES = ("resample", "batches", "augment", "weights", "loss", "ensemble", "decision")
CHAINED = ("resample", "augment")  # may hold several entries, applied in the order of selection
IN_TRAINING = ("batches", "augment", "weights", "loss")  # act inside the model's own training
WRAPPERS = ("ensemble", "decision")  # estimator -> estimator
