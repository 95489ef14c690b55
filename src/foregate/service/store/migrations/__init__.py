"""Steps from one version of the tables to the next, of Alembic: each a module, in the order of their names.

A step that was released never changes. What `tables` says and what all steps make together is the same; a test compares
them.
"""
