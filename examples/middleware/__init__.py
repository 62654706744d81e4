"""Three middlewares to take and change: an OpenTelemetry trace that goes through runs, an audit, errors in the caller's words."""
