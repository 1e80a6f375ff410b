"""Forms: what was typed, what is wrong with it in words, and what it asks for."""
