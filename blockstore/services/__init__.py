"""The use cases: what may be asked of the service, noun by noun.

A use case checks, changes the status, writes the intent rows and starts the
operation in one transaction, and answers.  Nothing here waits for work.
"""
