"""The configuration: its shape (`model`), reading it with positions (`load`), its files and their changes.

Nothing is imported here, so that a command that needs only `findings` starts quickly.
"""
