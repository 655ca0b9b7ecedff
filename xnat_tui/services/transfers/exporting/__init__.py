"""Export to a folder: the plan, its layouts, and the execution of its steps."""
