"""A key and certificate for the benchmark's store over https, made afresh for each run.

In: a folder. Out: a file for the server, and a bundle of the usual authorities with this one behind them, so that a
client that loads its trust pays what it pays on any machine. Never valid for more than 127.0.0.1 and two days.
"""

from __future__ import annotations

import ipaddress
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi


def trusted(folder: Path) -> Path:
    """The bundle for clients, as `SSL_CERT_FILE`."""
    return folder / "trusted.pem"


def shown(folder: Path) -> ssl.SSLContext:
    """What a server shows; stores of one folder show the same, made by the first of them."""
    pem = folder / "store.pem"
    if not pem.exists():
        key, certificate = _signed()
        trusted(folder).write_bytes(Path(certifi.where()).read_bytes() + b"\n" + certificate)
        pem.write_bytes(key + certificate)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def _signed() -> tuple[bytes, bytes]:
    """(key, certificate), PEM. Imported here: the process that measures imports this module too and must stay small."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    build = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(2))
    signed = build.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(pem, *plain), signed.public_bytes(pem)
