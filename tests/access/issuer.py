"""An issuer of tokens in the test's own process, with keys of every kind."""

import time
from dataclasses import dataclass, field
from typing import Any

import jwt
import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

ISSUER, AUDIENCE = "https://issuer.example", "https://shop.example"

CLAIMS: dict[str, Any] = {"sub": "clerk", "iss": ISSUER, "aud": AUDIENCE, "roles": ["staff"]}

SECRET = "a secret that is shared with the issuer"

_MAKE: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(65537, 2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}

_TO_JWK: dict[str, Any] = {"RS256": RSAAlgorithm, "ES256": ECAlgorithm, "EdDSA": OKPAlgorithm}


@dataclass(frozen=True)
class SigningKey:
    """A private key of the issuer."""

    algorithm: str
    id: str
    private: Any = field(repr=False)

    @property
    def jwk(self) -> dict[str, Any]:
        published = _TO_JWK[self.algorithm].to_jwk(self.private.public_key(), as_dict=True)
        return {**published, "kid": self.id, "alg": self.algorithm, "use": "sig"}

    @property
    def pem(self) -> str:
        public = self.private.public_key()
        pem: bytes = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()

    def token(self, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """A token; a claim or header that is `None` is left out."""
        given = {"kid": self.id, **(headers or {})}
        kept = {name: value for name, value in given.items() if value is not None}
        return signed(self.private, self.algorithm, kept, **claims)


def signing_key(algorithm: str, id: str = "first") -> SigningKey:
    return SigningKey(algorithm, id, _MAKE[algorithm]())


def signed(key: Any, algorithm: str, headers: dict[str, Any] | None = None, **claims: Any) -> str:
    now = int(time.time())
    given = {**CLAIMS, "iat": now, "exp": now + 600, **claims}
    kept = {name: value for name, value in given.items() if value is not None}
    return jwt.encode(kept, key, algorithm=algorithm, headers=headers)


def key_set(*keys: SigningKey) -> bytes:
    return orjson.dumps({"keys": [key.jwk for key in keys]})
