"""Web pages: read like files, and no way into the operator's own network."""

import contextlib
import ipaddress
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from documents import lines, pdf

from ingest.fetch import Rules, fetch, is_link
from ingest.load import load_link
from vectorstore.datatypes import UserError

PUBLIC = "127.0.0.2"  # plays the public address; 127.0.0.1 is the inner network


class Site:
    """A server on one loopback address; `seen` has the paths that were asked for."""

    def __init__(self, address: str) -> None:
        self.seen: list[str] = []
        self.pages: dict[str, Callable[[BaseHTTPRequestHandler], None]] = {}
        site = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                site.seen.append(self.path)
                site.pages.get(self.path, lambda asked: asked.send_error(404))(self)

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = ThreadingHTTPServer((address, 0), Answer)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


def page(
    body: bytes, kind: str = "text/html; charset=utf-8", **headers: str
) -> Callable[[BaseHTTPRequestHandler], None]:
    """A page with these bytes."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(200)
        asked.send_header("Content-Type", kind)
        for name, value in headers.items():
            asked.send_header(name.replace("_", "-"), value)
        asked.end_headers()
        asked.wfile.write(body)

    return answer


def redirect(target: str) -> Callable[[BaseHTTPRequestHandler], None]:
    """To another address."""

    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(302)
        asked.send_header("Location", target)
        asked.end_headers()

    return answer


@pytest.fixture
def public() -> Iterator[Site]:
    """The public site."""
    site = Site(PUBLIC)
    yield site
    site.server.shutdown()
    site.server.server_close()


@pytest.fixture
def canary() -> Iterator[Site]:
    """A server of the inner network that nobody may reach."""
    site = Site("127.0.0.1")
    yield site
    site.server.shutdown()
    site.server.server_close()
    assert site.seen == []


def rules(*sites: Site, **more: Any) -> Rules:
    """The real rules, but for loopback: PUBLIC is public, and the test servers' ports are usual ones."""
    fields: dict[str, Any] = {
        "max_bytes": 100_000,
        "seconds": 5.0,
        "public": lambda address: str(address) == PUBLIC,
        "ports": frozenset(site.port for site in sites),
    }
    return Rules(**{**fields, **more})


ARTICLE = (
    b"<html><head><title>Bridge opens</title></head><body><article><h1>Bridge opens</h1><p>"
    + b"The council of Farwell opened the new bridge on Tuesday after two years of work. " * 4
    + b"</p></article></body></html>"
)


def test_a_page_is_read_like_a_file(public: Site) -> None:
    """After a redirect on the same site; its address is its identity."""
    public.pages = {"/a?x=1": page(ARTICLE), "/old": redirect("/a?x=1")}
    url = f"http://{PUBLIC}:{public.port}/old"
    article = load_link(url, source=url, rules=rules(public))
    assert article.info.title == "Bridge opens"
    assert article.info.source == url
    assert "new bridge on Tuesday" in article.text
    assert public.seen == ["/old", "/a?x=1"]


@pytest.mark.parametrize(
    "host",
    [
        "127.1",
        "127.0.0.1",
        "0x7f000001",
        "2130706433",
        "0177.0.0.1",
        "[::ffff:127.0.0.1]",
        "[::1]",
        "0.0.0.0",  # noqa: S104
        "localhost",
        "100.64.0.1",
        "169.254.169.254",
        "10.0.0.1",
        "192.168.1.1",
        "[fd00::1]",
        "[fe80::1]",
        "[::ffff:7f00:1]",
        "[2002:7f00:1::]",
        "[64:ff9b::a9fe:a9fe]",
        "[fec0::1]",
        "224.0.0.1",
        "255.255.255.255",
    ],
)
def test_no_address_of_the_inner_network_is_asked(canary: Site, host: str) -> None:
    """However it is written; the rules are the real ones, but for the canary's port."""
    url = f"http://{host}:{canary.port}/"
    with pytest.raises(UserError, match=r"is not a public address|there is no host"):
        fetch(url, Rules(max_bytes=1000, seconds=3, ports=frozenset({canary.port})))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///etc/passwd", "only http and https"),
        ("ftp://example.com/a", "only http and https"),
        ("gopher://example.com/", "only http and https"),
        ("http://user@example.com/", "user name"),
        ("http://example.com:22/", "usual ports"),
        ("http://example.com:99999/", "no web address"),
        ("http://[::1/", "no web address"),
        ("http:///path", "only http and https"),
        ("no link at all", "only http and https"),
    ],
)
def test_odd_links_are_refused_without_any_request(url: str, told: str) -> None:
    """With one line that says why."""

    def never(host: str, port: int) -> list[str]:
        raise AssertionError(host, port)

    with pytest.raises(UserError, match=told):
        fetch(url, Rules(max_bytes=1000, resolve=never))


def test_a_redirect_into_the_inner_network_is_not_followed(public: Site, canary: Site) -> None:
    """Each step is checked anew, also a change of scheme."""
    public.pages = {
        "/in": redirect(f"http://127.0.0.1:{canary.port}/secret"),
        "/file": redirect("file:///etc/passwd"),
        "/loop": redirect("/loop"),
        "/odd": redirect("http://["),
    }
    base = f"http://{PUBLIC}:{public.port}"
    for path, told in (
        ("/in", "not a public address"),
        ("/file", "only http"),
        ("/loop", "too often"),
        ("/odd", "no web address"),
    ):
        with pytest.raises(UserError, match=told):
            fetch(base + path, rules(public, canary))


def test_a_name_that_changes_its_address_leads_nowhere(public: Site, canary: Site) -> None:
    """It is resolved once, and the connection goes to the address that was checked; one bad address spoils all."""
    public.pages = {"/": page(ARTICLE)}
    answers = [[PUBLIC], ["127.0.0.1"]]
    found = fetch(
        f"http://rebind.test:{public.port}/", rules(public, canary, resolve=lambda *_: answers.pop(0))
    )
    assert found.body == ARTICLE
    assert len(answers) == 1
    with pytest.raises(UserError, match="not a public address"):
        fetch(
            f"http://two.test:{canary.port}/", rules(public, canary, resolve=lambda *_: [PUBLIC, "127.0.0.1"])
        )


def test_the_proxy_of_the_environment_is_not_used(
    public: Site, canary: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would do the connecting, unchecked."""
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    public.pages = {"/": page(ARTICLE)}
    assert fetch(f"http://{PUBLIC}:{public.port}/", rules(public)).suffix == ".html"


def test_a_link_to_a_document_is_read_like_the_file(public: Site) -> None:
    """By its content type, and called by its address where it has no title."""
    public.pages = {
        "/ferry-rules.pdf": page(pdf(lines("It sails at nine.")), "application/pdf"),
        "/bad.pdf": page(b"<html>not found</html>", "application/pdf"),
    }
    link = f"http://{PUBLIC}:{public.port}"
    article = load_link(f"{link}/ferry-rules.pdf", source="x", rules=rules(public))
    assert (article.info.title, article.text) == ("ferry rules", "It sails at nine.")
    with pytest.raises(UserError, match="no PDF file"):
        load_link(f"{link}/bad.pdf", source="x", rules=rules(public))


def slowly(asked: BaseHTTPRequestHandler, pieces: Iterable[bytes]) -> None:
    """A piece now and then, each well within the time of one read, until nobody listens."""
    with contextlib.suppress(OSError):
        for piece in pieces:
            asked.wfile.write(piece)
            time.sleep(0.05)


def drip(asked: BaseHTTPRequestHandler) -> None:
    """A body that comes byte by byte."""
    page(b"")(asked)
    slowly(asked, [b"x"] * 200)


def drip_headers(asked: BaseHTTPRequestHandler) -> None:
    """Headers that never end."""
    asked.wfile.write(b"HTTP/1.1 200 OK\r\n")
    slowly(asked, (f"X-{i}: y\r\n".encode() for i in range(90)))


def drip_trailers(asked: BaseHTTPRequestHandler) -> None:
    """A body in chunks that has ended, and lines after it that do not."""
    asked.wfile.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n"
    )
    slowly(asked, [b"a: b\r\n"] * 90)


def test_slow_large_compressed_and_foreign_answers_are_cut_short(public: Site) -> None:
    """Each with its reason, and in bounded time."""
    public.pages = {
        "/slow": drip,
        "/heads": drip_headers,
        "/trailers": drip_trailers,
        "/large": page(b"x" * 200_000),
        "/zip": page(b"\x1f\x8b...", Content_Encoding="gzip"),
        "/exe": page(b"MZ", "application/octet-stream"),
        "/gone": lambda asked: asked.send_error(410),
    }
    cases = {
        "/slow": "too long",
        "/heads": "too long",
        "/trailers": "too long",
        "/large": "more than INGEST_MAX_BYTES",
        "/zip": "compressed",
        "/exe": "no web page",
        "/gone": "410",
    }
    for path, told in cases.items():
        began = time.monotonic()
        with pytest.raises(UserError, match=told):
            fetch(f"http://{PUBLIC}:{public.port}{path}", rules(public, seconds=0.8))
        assert time.monotonic() - began < 4


def test_what_is_a_link() -> None:
    """By its beginning."""
    assert is_link("https://example.com/a")
    assert is_link("HTTP://EXAMPLE.COM")
    assert not is_link("articles/http.txt")
    assert ipaddress.ip_address(PUBLIC).is_loopback


def test_a_page_that_breaks_off_is_no_page(public: Site) -> None:
    """Half of it would replace a whole one that was read before."""
    public.pages = {"/half": page(ARTICLE, Content_Length=str(len(ARTICLE) + 100))}
    with pytest.raises(UserError, match="broke off"):
        fetch(f"http://{PUBLIC}:{public.port}/half", rules(public))


def test_a_link_is_asked_for_as_a_browser_does(public: Site) -> None:
    """With letters beyond ASCII and blanks quoted, and what is quoted left alone."""
    public.pages = {"/wiki/Z%C3%BCrich%20Nord?q=%C3%A4%20b": page(ARTICLE)}
    for path in ("/wiki/Zürich Nord?q=ä b", "/wiki/Z%C3%BCrich%20Nord?q=%C3%A4%20b"):
        assert fetch(f"http://{PUBLIC}:{public.port}{path}", rules(public)).body == ARTICLE
