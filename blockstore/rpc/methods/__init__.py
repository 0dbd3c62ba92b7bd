"""What each service may be asked by RPC: the tables that the code obeys.

A server checks arguments by them, a client reads in them how new a service
must be, and the reference in the documentation is made of them.
"""
