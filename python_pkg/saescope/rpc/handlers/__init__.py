"""What each method does. A handler reads a scope and returns a message; it knows no transport.

Each module answers, in ``HANDLERS``, the methods of the module of messages with its name, and
says in sets of names how they run: ``COMPUTED``, ``LONG``, ``ASIDE``, ``QUICK`` (see `saescope.rpc.methods`).
"""
