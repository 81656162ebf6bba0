"""Measurements. Everything here starts its own processes on the loopback interface and ends them."""
