"""What one computes from finished results: scaling laws, verdicts on the paper's claims, costs."""
