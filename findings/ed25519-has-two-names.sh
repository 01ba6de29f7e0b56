#!/usr/bin/env bash
# A token that joserfc signs with Ed25519 is unreadable for PyJWT, although both sign and verify with that very key.
#
# Versions:  PyJWT 2.15.1, joserfc 1.8.0, cryptography 48.0.0
# Guess:     Both libraries know Ed25519 keys. What one signs with such a key, the other verifies, once the call allows
#            the algorithm by its name.
# Behaviour: RFC 9864 gave the algorithm the new name Ed25519 and deprecated the old one, EdDSA. PyJWT knows only the
#            old one and refuses the new one even where the call allows it; it verifies the same bytes once the new name
#            is registered for the same class. joserfc knows both, accepts neither unless the call names it, and warns of
#            the old one at each use.
# Matters:   An issuer that moves to the new name locks out all services that verify with PyJWT, with the same key. Allow
#            both names for one key where you verify.
# Seen:
#   EdDSA    signed by PyJWT    verified by joserfc  accepted, with a warning
#   EdDSA    signed by joserfc  verified by PyJWT    accepted
#   Ed25519  signed by joserfc  verified by PyJWT    InvalidAlgorithmError: Algorithm not supported
#   Ed25519  signed by joserfc  verified by PyJWT    accepted, once the name is registered
#   EdDSA    signed by PyJWT    verified by joserfc  UnsupportedAlgorithmError, if the call names no algorithm
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check PyJWT==2.15.1 joserfc==1.8.0 cryptography==48.0.0

"$folder/venv/bin/python" - <<'PYTHON'
import warnings

import jwt
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from joserfc import jwt as jose
from joserfc.errors import UnsupportedAlgorithmError
from joserfc.jwk import OKPKey
from jwt.algorithms import OKPAlgorithm

key = OKPKey.generate_key("Ed25519")
private = load_pem_private_key(key.as_pem(private=True), None)
public = load_pem_public_key(key.as_pem(private=False))
CLAIMS = {"sub": "ann"}


def by_pyjwt(token):
    try:
        jwt.decode(token, public, algorithms=["EdDSA", "Ed25519"])
    except jwt.InvalidTokenError as error:
        return f"{type(error).__name__}: {error}"
    return "accepted"


def by_joserfc(token, **allowed):
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            jose.decode(token, key, **allowed)
        except UnsupportedAlgorithmError as error:
            return type(error).__name__
    return "accepted, with a warning" if warned else "accepted"


def show(name, signed, verified, seen, expected, note=""):
    print(f"{name:8} signed by {signed:8} verified by {verified:8} {seen}{note}")
    assert seen == expected, (name, signed, verified, seen)


old = jwt.encode(CLAIMS, private, algorithm="EdDSA")
show("EdDSA", "PyJWT", "joserfc", by_joserfc(old, algorithms=["EdDSA"]), "accepted, with a warning")
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    same = jose.encode({"alg": "EdDSA"}, CLAIMS, key, algorithms=["EdDSA"])
show("EdDSA", "joserfc", "PyJWT", by_pyjwt(same), "accepted")
new = jose.encode({"alg": "Ed25519"}, CLAIMS, key, algorithms=["Ed25519"])
show("Ed25519", "joserfc", "PyJWT", by_pyjwt(new), "InvalidAlgorithmError: Algorithm not supported")
jwt.register_algorithm("Ed25519", OKPAlgorithm())
show("Ed25519", "joserfc", "PyJWT", by_pyjwt(new), "accepted", ", once the name is registered")
show("EdDSA", "PyJWT", "joserfc", by_joserfc(old), "UnsupportedAlgorithmError", ", if the call names no algorithm")
PYTHON
