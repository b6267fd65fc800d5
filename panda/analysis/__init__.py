"""What one computes from finished results: intervals, scaling laws, verdicts on the paper's claims, costs."""
