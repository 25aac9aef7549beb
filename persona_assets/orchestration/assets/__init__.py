"""The graph: one module per group, each asset reads, calls one domain function, returns a frame."""
