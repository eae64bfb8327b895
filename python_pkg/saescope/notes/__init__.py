"""What people write about features: labels, remarks, tags, status, lists, and the history of all of it.

`Notes` is what a person holds (``scope.notes``); `Book` is the file behind it, or `LogBook` the folder.
"""

from saescope.notes.book import Book
from saescope.notes.kept import Kept
from saescope.notes.note import MARKS, STATUSES, Change, Mark, Note, Passage
from saescope.notes.notes import Notes
from saescope.notes.opening import open_book

__all__ = ["MARKS", "STATUSES", "Book", "Change", "Kept", "Mark", "Note", "Notes", "Passage", "open_book"]
