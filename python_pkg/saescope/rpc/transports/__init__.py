"""How frames travel: widget messages, kernel comms, or in memory."""
