"""Trajectories of a catalogue's systems: integrated anew, in nested subsets, with their trust horizons."""
