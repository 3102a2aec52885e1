"""Training the nets of dlimlib.metrics that judge pictures, and measuring how well they do."""
