"""OpenTelemetry's traces to sessions. Everything in here is pure: bytes in, plain values out, no database."""
