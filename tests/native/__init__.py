"""The gateway compiled to machine code: the same answers through the public doors."""
