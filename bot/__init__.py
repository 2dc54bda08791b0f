"""The faces that answer: the terminal today, Discord next."""
