"""Regional outages: many schools that fall silent together, what they have in common, and what became known later."""
