"""What one computes with a flow: trajectories and Lyapunov exponents."""
