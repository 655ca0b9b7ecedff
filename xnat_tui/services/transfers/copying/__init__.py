"""Copy between servers: the plan, and the execution of its steps."""
