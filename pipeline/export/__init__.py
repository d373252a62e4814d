"""A model directory in the formats of other tools."""
