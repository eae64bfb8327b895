"""Between kernel and page: messages, one dispatcher, transports."""
