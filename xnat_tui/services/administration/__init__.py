"""What an archive's staff do: small writes, each planned as a change, done, and read back."""
