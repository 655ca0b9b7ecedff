"""The main screen: two panes of one tree, what moves, filters, marks and compares them."""
