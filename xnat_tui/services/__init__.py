"""What a user can do, whoever asks: the explorer, a verb, or Python."""
