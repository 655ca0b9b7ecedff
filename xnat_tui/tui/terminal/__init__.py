"""What depends on the terminal: what is sent to it, pictures, key names, colours, glyphs."""
