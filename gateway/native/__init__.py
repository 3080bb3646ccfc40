"""The gateway in machine code: the rooms that every call passes, compiled by mypyc.

    python -m gateway.native dist/native

writes a copy of the package in which those modules stand as extension modules, beside their sources.
The same code is what runs either way: mypyc reads the types that the house is held to anyway, and
checks them while it runs. One thing is done to the sources on the way: value classes are written out
(`classes`), because what a class decorator makes gains nothing when it is compiled.

Known differences, which `tests/native` allows for: our classes can't be extended by others; a value of
another type than it says is a TypeError at once; and what is raised in the step in which an awaited future
failed has that future's exception as its context.
"""
