"""Reading: one module a noun, plain rows and small frozen values out."""
