"""How a server bears requests and bytes, and which settings fit that."""
