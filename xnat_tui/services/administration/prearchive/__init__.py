"""What arrived and is not archived yet: listed, looked into, labelled, archived."""
