"""The tour: the main job, end to end, for somebody who is new here.

``./tools/quickstart`` runs ``python -m blockstore.tour``.  It starts the whole
service in a directory of its own, lets a client write to a volume without a
pause, backs that volume up, restores it, and proves that every byte is the
one that was there at a single moment.

Nothing here is used by the service itself.
"""
