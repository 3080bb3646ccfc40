"""A gateway that makes a legacy "Make a Call" web function safe to use."""

__version__ = "0.1.0"
