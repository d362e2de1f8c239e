"""An authority and its certificates, made for a test."""
import datetime
import ipaddress
import os
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

DAY = datetime.timedelta(days=1)


def general_name(text):
    """`uri:…`, `dns:…`, `email:…` or `ip:…`."""
    kind, _, value = text.partition(":")
    if kind == "ip":
        return x509.IPAddress(ipaddress.ip_address(value))
    return {"uri": x509.UniformResourceIdentifier, "dns": x509.DNSName, "email": x509.RFC822Name}[kind](value)


def write(path, data, mode=0o600):
    """In one step, as an operator should."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_CREAT | os.O_WRONLY, mode), "wb") as file:
        file.write(data)
    new.rename(path)
    return str(path)


class Authority:
    """Signs certificates; `path` is its own, in PEM."""

    def __init__(self, folder, name="Test Authority"):
        self.folder, self.key = folder, ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.now(datetime.timezone.utc)
        self.certificate = (
            x509.CertificateBuilder().subject_name(self.name).issuer_name(self.name).public_key(self.key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - 400 * DAY).not_valid_after(now + 400 * DAY)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.key.public_key()), critical=False)
            .sign(self.key, hashes.SHA256()))
        self.path = write(folder / f"{name.replace(' ', '-')}.pem", self.pem)

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def issue(self, file="server", common_name="localhost", names=("dns:localhost", "ip:127.0.0.1"), begin=-1, end=90,
              usage=ExtendedKeyUsageOID.SERVER_AUTH):
        """Writes FILE.pem and FILE.key and returns both paths; valid from `begin` to `end` days from now."""
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.datetime.now(datetime.timezone.utc)
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)] if common_name else []
        builder = (
            x509.CertificateBuilder().subject_name(x509.Name(subject)).issuer_name(self.name)
            .public_key(key.public_key()).serial_number(x509.random_serial_number())
            .not_valid_before(now + begin * DAY).not_valid_after(now + end * DAY)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), False)
        certificate = builder.sign(self.key, hashes.SHA256())
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        return (write(self.folder / f"{file}.pem", certificate.public_bytes(serialization.Encoding.PEM) + self.pem, 0o644),
                write(self.folder / f"{file}.key", private))

    def issue_client(self, file="client", common_name="ann", names=(), **more):
        return self.issue(file, common_name, names, usage=ExtendedKeyUsageOID.CLIENT_AUTH, **more)

    def trust(self, certificate=None):
        """A context that trusts this authority; `certificate` is what `issue_client` returned."""
        context = ssl.create_default_context(cafile=self.path)
        if certificate:
            context.load_cert_chain(*certificate)
        return context
