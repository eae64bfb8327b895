"""Forward to the site, encode, and nothing after."""
