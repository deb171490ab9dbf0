"""What keeps the committed notebooks executed, comparable and up to date."""
