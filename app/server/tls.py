"""The certificate and the key with which the service encrypts connections itself."""

import ssl
from pathlib import Path


class BadCertificate(Exception):
    """A certificate or a key that can't be used; the message says which, why, and what to do."""


def check_certificate(certificate: Path, key: Path | None) -> None:
    """Raise `BadCertificate` unless the files hold a certificate and its unencrypted key, both in PEM."""
    for setting, file in (("SSL_CERTFILE", certificate), ("SSL_KEYFILE", key)):
        if file is None:
            continue
        try:
            file.read_bytes()
        except OSError as error:
            raise BadCertificate(f"{setting}={file}: this file can't be read: {error.strerror}.") from error
    encrypted = False

    def password() -> str:
        nonlocal encrypted
        encrypted = True
        return ""

    try:
        # Without the function, OpenSSL would ask for the password on the terminal, and the start would hang.
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, password)
    except ssl.SSLError as error:
        if encrypted:
            reason = "the key is encrypted. Give one without a password"
        elif error.reason == "KEY_VALUES_MISMATCH":
            reason = "the key does not belong to the certificate. Give the key with which it was requested"
        else:
            reason = (
                "there is no certificate with its key in PEM. Give the key as SSL_KEYFILE, if it is apart"
            )
        raise BadCertificate(f"SSL_CERTFILE={certificate} can't be used: {reason}.") from error
