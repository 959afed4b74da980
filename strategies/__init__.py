"""What is scored and how: games, strategies, scores, and the language they are written in."""
