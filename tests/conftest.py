"""What holds for every test: no example has a time limit, because how long one takes is the machine's affair."""

from hypothesis import settings

settings.register_profile("enlace", deadline=None)
settings.load_profile("enlace")
