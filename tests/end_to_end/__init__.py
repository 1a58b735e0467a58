"""The product as its users meet it: real pytest sessions, real uploaders, real platforms."""
