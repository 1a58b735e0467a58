"""The fault kit: a scripted server, scenarios as data, and a runner that tells what a plugin lost, or sent twice."""
