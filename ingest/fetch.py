"""Fetch a web page that somebody named, without being led to the operator's own network.

http and https on their usual ports only. A name is resolved once, every address it has must be a public one,
and the connection goes to that very address, so that a second answer of the name server changes nothing. Each
redirect is checked anew. No proxy from the environment; bytes and seconds are bounded.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from vectorstore.datatypes import UserError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REDIRECTS = 5
_SAFE = "%/:@!$&'()*+,;=~?"  # what a path and a query may hold beside letters
_PIECE = 64 * 1024
_PORTS = {"http": 80, "https": 443}
_REDIRECTING = {301, 302, 303, 307, 308}
_SUFFIXES = {  # content type -> how a file of that kind would end
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/plain": ".txt",
    "text/markdown": ".txt",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
}
_HEADERS = {
    "User-Agent": "Footnote (reads articles that an editor names)",
    "Accept": "text/html,text/plain;q=0.9,application/pdf;q=0.8",
    "Accept-Encoding": "identity",
}


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def _is_public(address: Address) -> bool:
    """Neither private, loopback, link-local, shared, multicast nor reserved, also inside an IPv6 wrapping."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(inner)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _resolve(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


@dataclass(frozen=True, slots=True)
class Page:
    """What was fetched, and from where after all redirects."""

    url: str
    body: bytes
    suffix: str  # of a file of this kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What a fetch may do; tests that serve on loopback bring their own."""

    max_bytes: int
    seconds: float = 20.0
    public: Callable[[Address], bool] = _is_public
    ports: frozenset[int] = frozenset(_PORTS.values())
    resolve: Callable[[str, int], list[str]] = _resolve


def is_link(text: str) -> bool:
    """Whether a text names a web page rather than a file."""
    return text.lower().startswith(("http://", "https://"))


def fetch(url: str, rules: Rules) -> Page:
    """The page at `url`. Raises UserError with a reason that is fit for strangers."""
    deadline = time.monotonic() + rules.seconds
    for _ in range(_REDIRECTS + 1):
        parts = _parts(url, rules)
        with _asked(parts, rules, deadline) as response:
            if response.status in _REDIRECTING and (target := response.getheader("Location")):
                url = _redirected(url, target)
                continue
            return _page(url, response, rules, deadline)
    raise UserError("the link is redirected too often")


def _redirected(url: str, target: str) -> str:
    """Where a Location leads, which http.client reads as Latin-1 and servers write as UTF-8."""
    with contextlib.suppress(UnicodeError):
        target = target.encode("latin-1").decode("utf-8")
    try:
        return urljoin(url, target)
    except ValueError as error:
        raise UserError("the link is redirected to what is no web address") from error


def _parts(url: str, rules: Rules) -> SplitResult:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise UserError("this is no web address") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise UserError("only http and https links can be read")
    if parts.username or parts.password:
        raise UserError("a link with a user name in it is not read")
    if (port or _PORTS[parts.scheme]) not in rules.ports:
        raise UserError("only links to the usual ports (80 and 443) are read")
    return parts


@contextlib.contextmanager
def _asked(parts: SplitResult, rules: Rules, deadline: float) -> Iterator[http.client.HTTPResponse]:
    """The answer, which is cut off at the deadline, wherever it is then."""
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
    address = _checked_address(host, port, rules)
    # as browsers do; what is quoted already stays so
    path, query = (quote(part, safe=_SAFE) for part in (parts.path or "/", parts.query))
    connection = _Pinned(host, port, address, secure=parts.scheme == "https", seconds=_left(deadline))
    # the socket's own limit is one for each read: a server may drip for ever without passing it
    ending = threading.Timer(_left(deadline), connection.cut)
    ending.daemon = True
    ending.start()
    try:
        try:
            connection.request("GET", f"{path}?{query}" if query else path, headers=_HEADERS)
            response = connection.getresponse()
            _left(deadline)  # headers that were cut off look like headers that end
        except ssl.SSLError as error:
            raise UserError(f"{host} has no valid certificate") from error
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise UserError(f"{host} does not answer") from error
        with response:
            yield response
    finally:
        ending.cancel()
        connection.end()


def _checked_address(host: str, port: int, rules: Rules) -> str:
    """The address to connect to; every address of the host must be public, or none is used."""
    try:
        found = rules.resolve(host, port)
    except (OSError, UnicodeError) as error:
        raise UserError(f"there is no host {host}") from error
    if not found or not all(rules.public(ipaddress.ip_address(each.split("%")[0])) for each in found):
        raise UserError(f"{host} is not a public address")
    return found[0]


class _Pinned(http.client.HTTPConnection):
    """A connection to a host at an address that was checked."""

    def __init__(self, host: str, port: int, address: str, *, secure: bool, seconds: float) -> None:
        super().__init__(host, port, timeout=seconds)
        self._address, self._secure = address, secure
        self._plain: socket.socket | None = None
        self._is_cut = False
        self.default_port = 443 if secure else 80  # so that the Host header names no usual port

    def cut(self) -> None:
        """End whatever waits for the server, and whatever comes to wait for it."""
        self._is_cut = True
        if self._plain is not None:
            with contextlib.suppress(OSError):
                self._plain.shutdown(socket.SHUT_RDWR)

    def end(self) -> None:
        """Close all that is open."""
        self.close()
        if self._plain is not None:
            self._plain.close()

    def connect(self) -> None:
        """To the address, while certificate and Host header go by the name."""
        self.sock = socket.create_connection((self._address, self.port), self.timeout)
        # for http.client forgets its socket when a response takes it over; and wrapping one detaches it
        self._plain = self.sock.dup()
        if self._is_cut:
            self.cut()
        if self._secure:
            self.sock = ssl.create_default_context().wrap_socket(self.sock, server_hostname=self.host)


def _page(url: str, response: http.client.HTTPResponse, rules: Rules, deadline: float) -> Page:
    if response.status != 200:
        raise UserError(
            f"the server answers {response.status} ({response.reason or 'no reason given'})"[:120]
        )
    kind = response.headers.get_content_type()
    if kind not in _SUFFIXES:
        raise UserError(f"this is no web page, PDF or Word file but {kind[:60]}")
    if response.getheader("Content-Encoding", "identity") != "identity":
        raise UserError("the server sends the page compressed although it was asked not to")
    pieces, size = [], 0
    try:
        while piece := response.read1(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > rules.max_bytes:
                raise UserError(f"the page has more than INGEST_MAX_BYTES ({rules.max_bytes:,})")
            _left(deadline)
        _left(deadline)  # what was cut off looks like what ends
        if response.length:  # of what the server promised: read1 does not miss it
            raise http.client.IncompleteRead(b"", response.length)
    except (OSError, http.client.HTTPException) as error:
        _left(deadline)
        raise UserError("the page broke off while it was read") from error
    return Page(url, b"".join(pieces), _SUFFIXES[kind])


def _left(deadline: float) -> float:
    """Seconds that are left."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise UserError("the page takes too long to come")
    return left
