"""What other services may ask by RPC: the API's sister, without HTTP.

Each endpoint takes a message apart, calls the use cases of
:mod:`blockstore.services` and answers with versioned objects.  The managers
are given these endpoints when a daemon is put together, and do not know them.
"""
