"""Small HTML tables for notebooks, drawn from plain rows."""
