"""What all tests share: hypothesis draws the same examples in every run, and Ctrl-C is heard."""

import signal

from hypothesis import settings

settings.register_profile("convlet", derandomize=True, deadline=None, database=None, max_examples=25)
settings.load_profile("convlet")

# A shell starts what it puts in the background deaf to Ctrl-C, and so would be the commands that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
