"""What stands between a browser and a page: the server, its gate, headers, refusals, the frame of every page."""
