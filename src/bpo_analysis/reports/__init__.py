"""Runs report notebooks: parameters, plan, execution, rendering, index.

This package runs files. It knows nothing of statistics, reviews, plots or sections; what a page says comes from its
notebook.
"""
