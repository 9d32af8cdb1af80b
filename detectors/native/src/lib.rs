//! The one binding between the packet loop and Python.
