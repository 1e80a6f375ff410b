"""What pages show, made ready before a template: each the part of one page or of several."""
