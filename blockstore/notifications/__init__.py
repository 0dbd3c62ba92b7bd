"""Telling other services what happens, by oslo.messaging notifications."""
