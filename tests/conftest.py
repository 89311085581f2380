"""What all tests share: hypothesis draws the same examples in every run."""

from hypothesis import settings

settings.register_profile("convlet", derandomize=True, deadline=None, database=None, max_examples=25)
settings.load_profile("convlet")
