"""How threads walk through a program, and where they meet."""
