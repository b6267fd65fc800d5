"""What is certainly chaotic, lastingly, at any tolerance: following, audits, spectra."""
