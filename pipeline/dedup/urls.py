"""Web addresses that mean the same page: one normal form for each, so that a page that was crawled twice is kept once.

What is evened out: the scheme (http is https), the case of host and scheme, a leading ``www.``, default ports, user names, the
fragment, a trailing slash, percent escapes of characters that need none (RFC 3986, sections 6.2.2 and 6.2.3), the order of the
query and the parameters in it that only say where a reader came from. The path keeps its case: servers may tell it apart.
"""

from __future__ import annotations

import hashlib
import json
import re
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

DIGEST_BYTES = 16  # no accident, and no author, makes two addresses collide
PORTS = {"http": 80, "https": 443, "ftp": 21}
# Parameters that record a campaign, a click or a session and do not choose a page.
_TRACKING = re.compile(
    r"(?:utm|pk|mtm|hsa|oly|ga)_.*|_ga|_gl|_hsenc|_hsmi|_openstat|cmpid|dclid|epik|fbclid|gbraid|gclid|gclsrc|igshid|irclickid|"
    r"jsessionid|mc_cid|mc_eid|mkt_tok|msclkid|ncid|ocid|phpsessid|rb_clickid|s_cid|s_kwcid|sessionid|sid|spm|srsltid|trk|"
    r"twclid|ttclid|vero_id|wbraid|wickedid|yclid|zanpid",
    re.IGNORECASE | re.DOTALL,
)
_PATH_SESSION = re.compile(r";(?:jsessionid|phpsessid|sid)=[^/?;]*", re.IGNORECASE)  # an older place of the same thing
_SAFE = "/:@!$&'()*+,;=~-._"  # characters of a path that stand for themselves (RFC 3986, 3.3)


def normalize_url(url: str) -> str | None:
    """The normal form, or None for what is no address of a page: no host, or not http(s) or ftp.

    >>> normalize_url("HTTP://www.Example.org:80/a/?b=2&utm_source=x&a=1#top")
    'https://example.org/a?a=1&b=2'
    """
    try:
        parts = urlsplit(url.strip())
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:  # a port that is no number, half a bracket of IPv6
        return None
    if not host or parts.scheme not in PORTS:
        return None
    try:
        host = host.encode("idna").decode("ascii") if not host.isascii() else host
    except UnicodeError:
        return None
    host = host.removeprefix("www.")
    place = host if port in {None, PORTS[parts.scheme]} else f"{host}:{port}"
    path = _escape(_PATH_SESSION.sub("", parts.path)).rstrip("/")
    query = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0]))
    scheme = "https" if parts.scheme == "http" else parts.scheme
    return f"{scheme}://{place}{path}" + (f"?{urlencode(query, errors='surrogatepass')}" if query else "")


def _escape(path: str) -> str:
    """One spelling of a path: what can stand unescaped does, what cannot is escaped in capitals; an escaped slash stays one."""
    pieces = re.split("%2[fF]", path)
    return "%2F".join(quote(unquote(piece, errors="surrogateescape"), safe=_SAFE, errors="surrogateescape") for piece in pieces)


def url_digests(metas: pa.ChunkedArray | pa.Array) -> pa.Array:
    """BLAKE2b of the normal form of each document's ``meta.url``, fixed-size binary; null for a document without an address.

    ``metas``: the column ``meta`` of DOCS, JSON objects. Documents without the word "url" in it cost no parsing.
    """
    digests: list[bytes | None] = [None] * len(metas)
    likely = pc.indices_nonzero(pc.match_substring(metas, '"url"'))
    for row, meta in zip(likely.to_pylist(), metas.take(likely).to_pylist(), strict=True):
        url = json.loads(meta).get("url")
        form = normalize_url(url) if isinstance(url, str) else None
        digests[row] = hashlib.blake2b(form.encode(), digest_size=DIGEST_BYTES).digest() if form else None
    return pa.array(digests, pa.binary(DIGEST_BYTES))
