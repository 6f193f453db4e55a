"""Error rates and power of the statistics, measured on simulated data beside those of the usual methods."""
