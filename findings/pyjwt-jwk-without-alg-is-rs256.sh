#!/usr/bin/env bash
# PyJWT takes an RSA key of a JWKS that names no `alg` for a key of RS256 alone.
#
# Versions:  PyJWT 2.15.0, cryptography 50.0.2
# Guess:     `alg` is optional in a JWK (RFC 7517). Without it the key may be used with each algorithm of its type that
#            the call allows, so decode(token, key, algorithms=["RS256", "RS512", "PS256"]) accepts all three.
# Behaviour: The key gets the algorithm RS256 when it is loaded, and tokens of the other two are refused, although the
#            call lists them. The public key that the same JWK holds (`.key`) accepts all three. An issuer that adds
#            `alg` to its JWK changes the outcome.
# Matters:   Tokens signed with RS512 or PS256 pass in tests with a PEM, and are refused once the same key comes from
#            the issuer's JWKS. Give PyJWK the algorithm, or bind the key to one from the configuration.
# Seen:
#   JWK without alg                RS256 accepted
#   JWK without alg                RS512 Token algorithm 'RS512' does not match the key's algorithm 'RS256'
#   JWK without alg                PS256 Token algorithm 'PS256' does not match the key's algorithm 'RS256'
#   the public key in it           RS256 accepted
#   the public key in it           RS512 accepted
#   the public key in it           PS256 accepted
#   JWK loaded with algorithm=...  RS256 accepted
#   JWK loaded with algorithm=...  RS512 accepted
#   JWK loaded with algorithm=...  PS256 accepted
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyJWT==2.15.0 cryptography==50.0.2

"$folder/venv/bin/python" - <<'PYTHON'
import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

ALLOWED = ["RS256", "RS512", "PS256"]

private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
published = {**RSAAlgorithm.to_jwk(private.public_key(), as_dict=True), "kid": "one", "use": "sig"}
published.pop("key_ops", None)
assert "alg" not in published


def outcome(algorithm, key):
    token = jwt.encode({"sub": "ann"}, private, algorithm=algorithm, headers={"kid": "one"})
    try:
        jwt.decode(token, key, algorithms=ALLOWED)
    except jwt.InvalidTokenError as error:
        return str(error)
    return "accepted"


REFUSED = "Token algorithm '{0}' does not match the key's algorithm 'RS256'"
for name, key_for, refused in (
    ("JWK without alg", lambda _: jwt.PyJWK.from_dict(published), REFUSED),
    ("the public key in it", lambda _: jwt.PyJWK.from_dict(published).key, "accepted"),
    ("JWK loaded with algorithm=...", lambda each: jwt.PyJWK.from_dict(published, algorithm=each), "accepted"),
):
    for algorithm in ALLOWED:
        seen = outcome(algorithm, key_for(algorithm))
        print(name.ljust(30), algorithm, seen)
        assert seen == ("accepted" if algorithm == "RS256" else refused.format(algorithm)), (name, algorithm)
PYTHON
