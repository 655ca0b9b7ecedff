"""What a copy would do: walked from the source's tree and the destination's, level by level."""
