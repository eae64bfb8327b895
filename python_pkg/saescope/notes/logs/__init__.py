"""Notes where SQLite's locks cannot be trusted: a log of JSON lines for each writer, and a cache of all.

`LogBook` stands in the place of `saescope.notes.book.Book`; reads are those of SQLite, from the cache.
"""

from saescope.notes.logs.logbook import LogBook

__all__ = ["LogBook"]
