"""How targets are spoken to: one module per transport, one set of errors (`base`), one way to open a socket."""
