"""The only place for what needs root.

Nothing does so far: the ``qsd`` driver works as an ordinary user, without a
kernel module.  The import contracts keep other layers out of what will come.
"""
