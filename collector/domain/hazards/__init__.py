"""Hurricanes and floods: the shape on the ground, who lies in it, and where each school stands. Pure."""
