"""Finds personal data and secrets by pattern and puts a typed placeholder in their place.

Patterns lean towards precision: documentation is full of version numbers, hashes, ISBNs, matrix products (``a@b.T``) and loopback
addresses, and none of these is personal. Names, street addresses and phone numbers in a bare national form cannot be told by
pattern and stay.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Collection
from typing import Literal

Kind = Literal["key", "email", "card", "ip", "phone"]


def redact(text: str, kinds: Collection[Kind]) -> tuple[str, dict[Kind, int]]:
    """``text`` with each find replaced by ``<KEY>``, ``<EMAIL>``, ``<CARD>``, ``<IP>`` or ``<PHONE>``, and the finds by kind.

    >>> redact("mail jo@uni.edu", ["email"])
    ('mail <EMAIL>', {'email': 1})
    """
    found: dict[Kind, int] = {}
    for kind, (hint, pattern, is_real) in PATTERNS.items():
        if kind not in kinds or not hint.search(text):
            continue
        spans = [match.span() for match in pattern.finditer(text) if is_real(match)]
        if spans:
            found[kind] = len(spans)
            text = _replace(text, spans, f"<{kind.upper()}>")
    return text, found


def _replace(text: str, spans: list[tuple[int, int]], placeholder: str) -> str:
    starts, ends = [0, *(end for _, end in spans)], [*(start for start, _ in spans), len(text)]
    return placeholder.join(text[start:end] for start, end in zip(starts, ends, strict=True))


# Key formats that their issuers document; all have a fixed prefix, so that a hash or an identifier is no key.
_KEY = re.compile(
    r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----[\s\S]{1,8000}?-----END (?:[A-Z]+ )?PRIVATE KEY-----"
    r"|(?<![A-Za-z0-9_-])(?:"
    r"A(?:KI|SI)A[0-9A-Z]{16}"  # AWS
    r"|AIza[0-9A-Za-z_-]{35}"  # Google
    r"|gh[pousr]_[0-9A-Za-z]{36,}|github_pat_[0-9A-Za-z_]{22,}|glpat-[0-9A-Za-z_-]{20,}"  # GitHub, GitLab
    r"|xox[abeprs]-[0-9A-Za-z-]{10,}"  # Slack
    r"|[rs]k_(?:live|test)_[0-9A-Za-z]{16,}"  # Stripe
    r"|sk-(?=[A-Za-z_-]*[0-9])[0-9A-Za-z_-]{20,}"  # OpenAI, Anthropic
    r"|hf_[0-9A-Za-z]{30,}|npm_[0-9A-Za-z]{36}|pypi-[0-9A-Za-z_-]{50,}"  # Hugging Face, npm, PyPI
    r"|eyJ[0-9A-Za-z_-]{8,}\.eyJ[0-9A-Za-z_-]{8,}\.[0-9A-Za-z_-]{8,}"  # JSON Web Token (RFC 7519)
    r")(?![0-9A-Za-z_])"
)

# The last label must be a country's two letters or a common generic domain: ``x@self.weight`` is a matrix product, and so are
# ``q@k.mT`` (mixed case) and ``x@w.to(device)`` (a call).
_EMAIL = re.compile(
    r"(?<![\w.%+-])[A-Za-z0-9_%+-][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.){1,8}"
    r"(?:[a-z]{2}|[A-Z]{2}|(?i:com|org|net|edu|gov|mil|int|info|biz|name|pro|dev|app|cloud|tech|online|site|email|xyz|"
    r"museum|academy|science|research|berlin|world|team|club|blog|live|shop|store|software|systems|solutions|company))"
    r"(?![\w(\[@-])(?!\.\w)"
)
_ROLE_ACCOUNTS = {"git@"}  # the user of every ssh remote

# 12 to 19 digits, alone or in groups, that start like a card (ISO/IEC 7812: 3 to 6; 2131, 1800: JCB; 22 to 27: Mastercard).
_CARD = re.compile(r"(?<![\w.,+-])(?:[3-6]\d{3}|2[2-7]\d\d|2131|1800)(?:[ -]?\d){8,15}(?![\w-])(?!\.\d)")
_GROUPED_CARD = re.compile(r"\d{4}(?:[ -]\d{4}){2,3}(?:[ -]\d{1,3})?|\d{4}[ -]\d{6}[ -]\d{4,5}")
# First digits, and how many digits such a card has.
_CARD_LENGTHS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:35\d\d|6\d{3})\d{12}|(?:2131|1800)\d{11}"
    r"|(?:5[0678]|6[0-9])\d{10,17}"
)

_IPV4 = r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w-])(?!\.\d)"
_IPV6 = r"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:{1,2}){2,7}(?:[0-9A-Fa-f]{1,4})?(?![\w:.])"
_IP = re.compile(f"{_IPV4}|{_IPV6}")
_NAMES_VERSION = re.compile(r"(?:version|release|section|rev|[<>=~!]=?|[\w-]+[-_/=])\s*$", re.IGNORECASE)
_NAMES_ADDRESS = re.compile(
    r"(?:\bip(?:v4)?|address|addr|host|server|from|gateway|dns|https?:/)\b\W{0,3}(?:is )?$", re.IGNORECASE
)

# E.164 with its plus; North American 3-3-4 (area and exchange never start with 0 or 1); a national number in groups after a trunk
# zero; French pairs; and any group of digits, which counts only after a word such as "phone".
_PHONE = re.compile(
    r"(?<![\w.+(])(?:"
    r"\+[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}"
    r"|(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}"
    r"|0[1-9]\d{2,3}(?: \d{2,4}){2,3}"
    r"|0[1-9](?:(?:\.\d\d){4}|(?:-\d\d){4})"
    r"|(?P<bare>\(?\d{1,5}\)?(?:[ ./-]{0,3}\d{2,5}){1,5})"
    r")(?:\s?x\d{1,5})?(?![\w-])(?!\.\d)"
)
_NAMES_PHONE = re.compile(r"(?:\btel|phone|\bfax|\bmobile|whatsapp|\bcall (?:me|us|at|on)|\bdial)\b[^\n\d]{0,20}$", re.IGNORECASE)
_MIN_PHONE_DIGITS, _MAX_PHONE_DIGITS = 7, 15  # E.164 has at most 15


def _is_email(match: re.Match[str]) -> bool:
    """Not the user name of an ssh remote, nor user:password@host in a URL."""
    start = match.start()
    token = match.string[max(0, start - 80) : start].rpartition(" ")[2]
    return not match[0].startswith(tuple(_ROLE_ACCOUNTS)) and "://" not in token


def _is_card(match: re.Match[str]) -> bool:
    """The digits have a length that goes with their first ones, sensible groups if any, and a right check digit."""
    if not match[0].isdigit() and not _GROUPED_CARD.fullmatch(match[0]):
        return False
    digits = re.sub(r"\D", "", match[0])
    return bool(_CARD_LENGTHS.fullmatch(digits)) and passes_luhn(digits)


def passes_luhn(digits: str) -> bool:
    """Check the last digit (ISO/IEC 7812-1, annex B): every second digit from the right is doubled, and all add up to tens.

    >>> passes_luhn("4111111111111111")
    True
    """
    doubled = [sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2]]
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0


def _is_ip(match: re.Match[str]) -> bool:
    """A public address. Four small numbers are a version unless the words before say address."""
    try:
        address = ipaddress.ip_address(match[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # Global unicast is 2000::/3 (RFC 4291); the eight groups of a full address are no slice or scope operator.
        return match[0].count(":") == 7 or (address.is_global and int(address) >> 125 == 1)
    before = match.string[max(0, match.start() - 20) : match.start()]
    if not address.is_global or _NAMES_VERSION.search(before):
        return False
    return max(address.packed) >= 100 or bool(_NAMES_ADDRESS.search(before))


def _is_phone(match: re.Match[str]) -> bool:
    """As many digits as a phone number has: ten or eleven for a national one; a bare one is called a phone number before."""
    digits = sum(character.isdigit() for character in match[0])
    if match["bare"]:
        before = match.string[max(0, match.start() - 40) : match.start()]
        return _MIN_PHONE_DIGITS <= digits <= _MAX_PHONE_DIGITS and bool(_NAMES_PHONE.search(before))
    return digits in {10, 11} if match[0].startswith("0") else _MIN_PHONE_DIGITS <= digits <= _MAX_PHONE_DIGITS


# Kind: a fast test whether the text can hold any, the pattern, and what only code can tell. Keys go first, for they hold digits.
PATTERNS: dict[Kind, tuple[re.Pattern[str], re.Pattern[str], Callable[[re.Match[str]], bool]]] = {
    "key": (re.compile("[-_]|AKIA|ASIA|AIza|eyJ"), _KEY, lambda _: True),
    "email": (re.compile("@"), _EMAIL, _is_email),
    "card": (re.compile(r"\d{4}"), _CARD, _is_card),
    "ip": (re.compile(r"\d\.\d|:"), _IP, _is_ip),
    "phone": (re.compile(r"\d{2}"), _PHONE, _is_phone),
}
