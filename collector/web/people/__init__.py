"""Who is signed in, what they may do, what they did, and the filters that they gave a name."""
