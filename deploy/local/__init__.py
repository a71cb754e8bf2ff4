"""Muster on one machine as plain processes: what `./muster` and the integration tests share."""
