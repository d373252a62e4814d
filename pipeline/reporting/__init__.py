"""The report: figures gathered from every stage's output, charts drawn as SVG, one page. Needs no network, not even to be read."""
