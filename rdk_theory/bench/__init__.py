"""Time and memory of redistribution and of verification by vocabulary size, in one run on one machine."""
