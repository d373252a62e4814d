"""Generation from a model directory."""
