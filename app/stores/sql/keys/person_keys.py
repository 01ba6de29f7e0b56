"""The keys of persons in memory, as the log's codec needs them."""

import hmac
from collections.abc import Collection, Mapping
from uuid import UUID

from app.cqrs.unavailable import WriteStoreUnavailable
from app.stores.sql.keys.actors import Actor, person_in
from app.stores.sql.keys.sealing import DataKey
from app.stores.sql.keys.store import KeyStore, Secrets

MOST_KEPT = 20_000
"""Keys that are kept in memory, about 10 MB; beyond that, all are read again as they are needed."""

KEYED = "k1:"
"""The beginning of a fingerprint that was made with a key."""

Keys = Mapping[UUID, DataKey]


class PersonKeys:
    """The keys that were read, and the persons whose keys are gone."""

    def __init__(self, store: KeyStore) -> None:
        """Begin with nothing: `begin` reads what must be known before any event is read or written."""
        self.store = store
        self._secrets: Secrets | None = None
        self._known: dict[UUID, DataKey] = {}
        self._forgotten = set[UUID]()
        self._names: dict[str, str] = {}
        self._pseudonyms: dict[Actor, str] = {}

    @classmethod
    async def read(cls, store: KeyStore) -> "PersonKeys":
        """Return the keys of a store; raise `WriteStoreUnavailable`."""
        keys = cls(store)
        await keys.begin()
        return keys

    async def begin(self) -> None:
        """Read the secrets, and who was forgotten; raise `WriteStoreUnavailable`."""
        secrets, forgotten = await self.store.secrets(), await self.store.forgotten()
        self._secrets = secrets
        self._forgotten.update(forgotten)

    def end(self) -> None:
        """Read and write no event with these keys, because they are those of another log."""
        self._secrets = None

    @property
    def secrets(self) -> Secrets:
        """The secrets that belong to no person; raise `WriteStoreUnavailable` if they were not read yet."""
        if self._secrets is None:
            raise WriteStoreUnavailable(
                "The store of the keys of personal data has not answered yet. Try again later."
            )
        return self._secrets

    def refuse_if_unread(self) -> None:
        """Raise `WriteStoreUnavailable` if nobody knows yet who was forgotten."""
        _ = self.secrets

    async def of(self, people: Collection[UUID]) -> Keys:
        """Return the keys of people, without those that are gone; raise `WriteStoreUnavailable`."""
        self.refuse_if_unread()
        found = {each: self._known[each] for each in people if each in self._known}
        if missing := {each for each in people if each not in found and each not in self._forgotten}:
            found |= self._kept(await self.store.find(missing))
        return {each: key for each, key in found.items() if each not in self._forgotten}

    async def made(self, people: Collection[UUID]) -> Keys:
        """Return the keys of people, and make durable ones for those who have none yet.

        The forgotten get none. Raise `WriteStoreUnavailable`.
        """
        found = dict(await self.of(people))
        if missing := {each for each in people if each not in found and each not in self._forgotten}:
            found |= self._kept(await self.store.make(missing))
        return {each: key for each, key in found.items() if each not in self._forgotten}

    def has_forgotten(self, person: UUID) -> bool:
        """Return whether a person is known to be forgotten."""
        return person in self._forgotten

    def drop(self, person: UUID) -> None:
        """Drop the key of a person who was forgotten."""
        self._known.pop(person, None)
        if person in self._forgotten:
            return
        self._forgotten.add(person)
        for gone in [each for each in self._names if person_in(each) == person]:
            del self._names[gone]
        for actor in [each for each, name in self._pseudonyms.items() if person_in(name) == person]:
            del self._pseudonyms[actor]

    async def pseudonym(self, actor: Actor) -> str:
        """Return the durable pseudonym of an actor; raise `WriteStoreUnavailable`."""
        if (known := self._pseudonyms.get(actor)) is not None:
            return known
        made = await self.store.pseudonym(actor)
        if actor.customer not in self._forgotten:
            self._remember({made: actor.name})
            self._pseudonyms[actor] = made
        return made

    async def names(self, pseudonyms: Collection[str]) -> Mapping[str, str]:
        """Return the names of actors, without those who were forgotten; raise `WriteStoreUnavailable`."""
        self.refuse_if_unread()
        found = {each: self._names[each] for each in pseudonyms if each in self._names}
        if missing := [each for each in pseudonyms if each not in found and not self._is_nobody(each)]:
            read = await self.store.names(missing)
            self._remember({each: name for each, name in read.items() if not self._is_nobody(each)})
            found |= read
        return {each: name for each, name in found.items() if not self._is_nobody(each)}

    @property
    def revocation_key(self) -> bytes:
        """The key of the digests that revocations have in place of names that were forgotten."""
        return hmac.digest(self.secrets.fingerprints, b"revocations", "sha256")

    def keyed(self, fingerprint: str) -> str:
        """Return a fingerprint that nobody can compare with an input without the key."""
        digest = hmac.digest(self.secrets.fingerprints, fingerprint.encode(), "sha256")
        return KEYED + digest[:30].hex()

    def _remember(self, names: Mapping[str, str]) -> None:
        if len(self._names) + len(names) > MOST_KEPT:
            self._names.clear()
            self._pseudonyms.clear()
        self._names.update(names)

    def _kept(self, keys: Mapping[UUID, bytes]) -> Keys:
        """Keep keys that were read, and return them: the next ones may take their place at any time.

        Of those who were forgotten while their keys were read, none is kept.
        """
        read = {each: DataKey(key) for each, key in keys.items() if each not in self._forgotten}
        if len(self._known) + len(read) > MOST_KEPT:
            self._known.clear()
        self._known |= read
        return read

    def _is_nobody(self, pseudonym: str) -> bool:
        return person_in(pseudonym) in self._forgotten
