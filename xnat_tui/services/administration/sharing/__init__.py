"""Where items are shared, and sharing them elsewhere or no longer."""
