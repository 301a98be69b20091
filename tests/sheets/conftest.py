"""Property tests of readers run without a deadline: the first call pays for imports."""

from hypothesis import settings

settings.register_profile("sheets", deadline=None)
settings.load_profile("sheets")
