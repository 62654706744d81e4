"""ActorFlow at work on real input."""
