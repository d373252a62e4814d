"""The report: figures gathered from every stage's output, charts drawn as SVG, one page that needs no network."""
