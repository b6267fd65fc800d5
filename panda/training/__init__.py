"""Training of the models: objectives, optimisers, the loop, and states to resume from."""
