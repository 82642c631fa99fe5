"""What strategies that train nets share with the trainer: optimizer, seeds, device."""
