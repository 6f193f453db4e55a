"""Speed of ours against the usual packages, as ratios of times measured in one run."""
