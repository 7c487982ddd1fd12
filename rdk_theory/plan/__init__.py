"""Which kept size, kernel, draft length and verification are predicted to decode fastest, and by how much."""
