"""`rdk bench --device`: time of the operations against memory's own speed and against other implementations."""
