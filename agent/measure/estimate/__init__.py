"""From bytes and times to the figure of one direction. Pure."""
