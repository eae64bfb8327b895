"""Named, ordered lists of features: the half of ``scope.notes`` that is about them."""

import builtins
import getpass
import operator
import os
from collections.abc import Iterable
from typing import Any

import polars as pl

from saescope.errors import UnknownFeatureError, UnknownNameError
from saescope.notes import lists, texts
from saescope.notes.book import Book
from saescope.notes.changes import Stamp

TIME = pl.Datetime("us", "UTC")
LISTS_SCHEMA: dict[str, Any] = {
    "name": pl.String, "n_features": pl.UInt32, "author": pl.String, "saved": TIME, "version": pl.UInt32,
}  # fmt: skip


def user_name() -> str:
    """Who writes, if nobody says: ``SAESCOPE_AUTHOR``, or the name of the user."""
    given = os.environ.get("SAESCOPE_AUTHOR", "").strip()
    if given:
        return given[: texts.MAX_NAME]
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # there is none, in some containers
        return "unknown"


class Listing:
    """Named, ordered lists of features.

    Parameters
    ----------
    book
        The file.
    n_features
        Features are ``[0, n_features)``.
    """

    def __init__(self, book: Book, n_features: int) -> None:
        self.book = book
        self.n_features = n_features
        self._author = user_name()

    @property
    def author(self) -> str:
        """Who writes: by default ``SAESCOPE_AUTHOR``, or the name of the user."""
        return self._author

    @author.setter
    def author(self, name: str) -> None:
        """Write under another name."""
        self._author = texts.line(name, "an author", texts.MAX_NAME)

    def _stamp(self) -> Stamp:
        return Stamp(self._author)

    def _check(self, feature: Any) -> int:
        try:
            found = -1 if isinstance(feature, bool) else operator.index(feature)
        except TypeError:
            found = -1
        if not 0 <= found < self.n_features:
            raise UnknownFeatureError(
                f"there is no feature {feature!r}: this dictionary has 0 to {self.n_features - 1}.",
                feature=str(feature),
                d_sae=self.n_features,
            )
        return found

    def _many(self, features: int | Iterable[int]) -> builtins.list[int]:
        return [self._check(f) for f in (features if isinstance(features, Iterable) else [features])]

    def lists(self) -> pl.DataFrame:
        """The lists there are, the one changed last first: ``name, n_features, author, saved`` (UTC), ``version``."""
        found = self.book.read(lists.read_lists, [])
        rows = [(listed.name, n, listed.author, listed.saved_us, listed.version) for listed, n in found]
        return pl.DataFrame(rows, schema=LISTS_SCHEMA, orient="row")

    def list(self, name: str) -> builtins.list[int]:
        """The features of a list, in its order.

        Raises
        ------
        UnknownNameError
            There is no such list.
        """
        name = texts.list_name(name)
        found = self.book.read(lambda db: lists.read_members(db, lists.find_list(db, name)), None)
        if found is None:
            raise UnknownNameError(f"there is no list {name!r}.", hint="Lists: none yet.", names=[])
        return found

    def lists_with(self, feature: int) -> builtins.list[str]:
        """Names of the lists that hold a feature."""
        feature = self._check(feature)
        return self.book.read(lambda db: lists.lists_with(db, feature), [])

    def add(self, name: str, features: int | Iterable[int]) -> None:
        """Append features to a list, those that it does not hold; a list that is not there is made.

        Raises
        ------
        InputError, UnknownFeatureError
            The name is empty or too long, or there is no such feature.
        """
        self.change_list(name, add=features)

    def remove(self, name: str, features: int | Iterable[int]) -> None:
        """Take features out of a list.

        Raises
        ------
        UnknownNameError
            There is no such list.
        """
        self.change_list(name, remove=features)

    def change_list(self, name: str, add: int | Iterable[int] = (), remove: int | Iterable[int] = ()) -> None:
        """Take features out of a list and append others, in one change."""
        name, stamp = texts.list_name(name), self._stamp()
        come, go = self._many(add), self._many(remove)
        self.book.write(lambda db: lists.change_list(db, name, stamp, add=come, remove=go))

    def order(self, name: str, features: Iterable[int]) -> None:
        """Put a list's features in another order.

        Raises
        ------
        InputError
            They are not the same features.
        """
        name, stamp, wanted = texts.list_name(name), self._stamp(), self._many(features)
        self.book.write(lambda db: lists.order_list(db, name, wanted, stamp))

    def rename(self, name: str, new_name: str) -> None:
        """Give a list another name.

        Raises
        ------
        UnknownNameError, InputError
            There is no such list, or another has the new name.
        """
        name, new_name, stamp = texts.list_name(name), texts.list_name(new_name), self._stamp()
        self.book.write(lambda db: lists.rename_list(db, name, new_name, stamp))

    def delete(self, name: str) -> None:
        """Take a list away; ``undo(name)`` brings it back.

        Raises
        ------
        UnknownNameError
            There is no such list.
        """
        name, stamp = texts.list_name(name), self._stamp()
        self.book.write(lambda db: lists.delete_list(db, name, stamp))
