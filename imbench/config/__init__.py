"""From a composed configuration to checked, constructed parts."""
