"""What a build exports for each kind of component: a module each, between the contract and the code in ``app.py``.

A build runs the module's top level, and with it that of ``app.py``, and keeps the memory that comes of it. What a
component needs later has to be imported by then: nothing can be imported from a disk that is not there.
"""
