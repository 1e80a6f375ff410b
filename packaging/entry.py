"""Start of the built program."""

from agent.__main__ import main

main()
