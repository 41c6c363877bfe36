# SPDX-License-Identifier: Apache-2.0
"""The array's own small certificate authority and server certificate."""

from datetime import UTC, datetime, timedelta
import ipaddress
import pathlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA = "ca.pem"
CERTIFICATE = "server.pem"
KEY = "server.key"
_DAYS = 3650


def ensure(state: pathlib.Path, name: str, address: str) -> None:
    """Make ``ca.pem``, ``server.pem`` and ``server.key`` if missing.

    The authority is made once and kept, so that who trusts it goes on doing
    so; the server certificate is made anew when the address has changed.
    """
    if not (state / CA).exists():
        _make_authority(state, name)
    if not _is_for(state / CERTIFICATE, address):
        _make_server(state, name, address)


def _is_for(path: pathlib.Path, address: str) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    ).value.get_values_for_type(x509.IPAddress)
    return ipaddress.ip_address(address) in names


def _make_authority(state: pathlib.Path, name: str) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(f"{name} sandbox authority")
    certificate = (
        _builder(subject, subject, key.public_key())
        .add_extension(x509.BasicConstraints(True, 0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    _write_key(state / "ca.key", key)
    (state / CA).write_bytes(_pem(certificate))


def _make_server(state: pathlib.Path, name: str, address: str) -> None:
    authority = x509.load_pem_x509_certificate((state / CA).read_bytes())
    signer = serialization.load_pem_private_key(
        (state / "ca.key").read_bytes(), None
    )
    if not isinstance(signer, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an EC key")
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives = x509.SubjectAlternativeName(
        [
            x509.IPAddress(ipaddress.ip_address(address)),
            x509.DNSName("localhost"),
        ]
    )
    certificate = (
        _builder(_subject(name), authority.subject, key.public_key())
        .add_extension(alternatives, critical=False)
        .add_extension(x509.BasicConstraints(False, None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]),
            critical=False,
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(
                signer.public_key()
            ),
            critical=False,
        )
        .sign(signer, hashes.SHA256())
    )
    _write_key(state / KEY, key)
    (state / CERTIFICATE).write_bytes(_pem(certificate))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=_DAYS))
    )


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write_key(path: pathlib.Path, key: ec.EllipticCurvePrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
