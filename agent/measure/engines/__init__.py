"""The engines: what one is, ndt7, LibreSpeed, speedtest.net."""
