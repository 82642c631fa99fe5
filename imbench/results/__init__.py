"""Results: the types of a fold and a cell, the store on disk, and metrics of predictions."""
