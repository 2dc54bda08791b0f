"""Question in, Answer out; knows neither Discord nor the terminal."""
