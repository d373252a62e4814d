r"""What personal data and secrets look like: for each kind a pattern over UTF-8 bytes, and what only code can tell.

Patterns lean towards precision: documentation is full of version numbers, hashes, ISBNs, matrix products (``a@b.T``), timestamps
and loopback addresses, and none of these is personal. So whatever has a check digit must pass it, and what has none (a phone
number without ``+``, a passport number) needs a word beside it that says what it is. In a pattern of bytes ``\w`` is ASCII: a
Chinese character may touch a number on either side.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Literal

import phonenumbers
from stdnum import iban, luhn
from stdnum.cn import ric
from stdnum.us import ssn

# In order of precedence where several match from the same byte.
Kind = Literal["key", "email", "iban", "resident_id", "card", "ssn", "ip", "passport", "phone"]
Check = Callable[[re.Match[bytes]], bool]

# Key formats that their issuers document; all have a fixed prefix, so that a hash or an identifier is no key. The scan looks for
# the prefixes, the pattern decides.
KEY_PREFIXES = (
    *("-----BEGIN", "AKIA", "ASIA", "AIza", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "AGE-SECRET-KEY-1"),
    *("xoxa-", "xoxb-", "xoxe-", "xoxp-", "xoxr-", "xoxs-", "xapp-", "sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
    *("sk-", "gsk_", "hf_", "npm_", "pypi-", "dop_v1_", "shpat_", "SG.", "eyJ"),
)
_PEM = rb" (?:[A-Z]+ ){0,2}PRIVATE KEY(?: BLOCK)?-----"
_KEY = re.compile(
    rb"-----BEGIN" + _PEM + rb"(?:[^-]|-(?!----)){1,8000}-----END" + _PEM + rb"|(?<![A-Za-z0-9_-])(?:"
    rb"A(?:KI|SI)A[0-9A-Z]{16}"  # AWS
    rb"|AIza[0-9A-Za-z_-]{35}"  # Google
    rb"|gh[pousr]_[0-9A-Za-z]{36,255}|github_pat_[0-9A-Za-z_]{22,255}|glpat-[0-9A-Za-z_-]{20,64}"  # GitHub, GitLab
    rb"|xox[abeprs]-[0-9A-Za-z-]{10,255}|xapp-\d-[0-9A-Za-z-]{20,255}"  # Slack
    rb"|[rs]k_(?:live|test)_[0-9A-Za-z]{16,255}|whsec_[0-9A-Za-z]{24,64}"  # Stripe
    rb"|sk-(?=[A-Za-z_-]{0,64}[0-9])[0-9A-Za-z_-]{20,255}"  # OpenAI, Anthropic
    rb"|gsk_[0-9A-Za-z]{40,64}"  # Groq
    rb"|hf_[0-9A-Za-z]{30,64}|npm_[0-9A-Za-z]{36}|pypi-[0-9A-Za-z_-]{50,255}"  # Hugging Face, npm, PyPI
    rb"|dop_v1_[0-9a-f]{64}|shpat_[0-9a-f]{32}|AGE-SECRET-KEY-1[0-9A-Z]{58}"  # DigitalOcean, Shopify, age
    rb"|SG\.[0-9A-Za-z_-]{22}\.[0-9A-Za-z_-]{43}"  # SendGrid
    rb"|eyJ[0-9A-Za-z_-]{8,4000}\.eyJ[0-9A-Za-z_-]{8,4000}\.[0-9A-Za-z_-]{8,4000}"  # JSON Web Token (RFC 7519)
    rb")(?![0-9A-Za-z_])"
)

# Two-byte letters (Latin with accents, Greek, Cyrillic, ...) belong to a name, three-byte ones (Chinese, ...) only touch it.
# The last label must be a country's two letters or a common generic domain: ``x@self.weight`` is a matrix product, and so are
# ``q@k.mT`` (mixed case) and ``x@w.to(device)`` (a call).
_TWO = rb"[\xc3-\xdf][\x80-\xbf]"
_EMAIL = re.compile(
    rb"(?<![\w.%+-])(?<!" + _TWO + rb")(?:[A-Za-z0-9_%+-]|" + _TWO + rb")(?:[A-Za-z0-9._%+-]|" + _TWO + rb"){0,63}"
    rb"@(?:(?:[A-Za-z0-9]|" + _TWO + rb")(?:(?:[A-Za-z0-9-]|" + _TWO + rb"){0,61}(?:[A-Za-z0-9]|" + _TWO + rb"))?\.){1,8}"
    rb"(?:[a-z]{2}|[A-Z]{2}|(?i:com|org|net|edu|gov|mil|int|info|biz|name|pro|dev|app|cloud|tech|online|site|email|xyz|"
    rb"museum|academy|science|research|berlin|world|team|club|blog|live|shop|store|software|systems|solutions|company))"
    rb"(?![\w(\[@-])(?!\.\w)"
)
_ROLE_ACCOUNTS = (b"git",)  # the user of every ssh remote

_IBAN = re.compile(
    rb"(?<![\w-])(?:[A-Z]{2}\d\d(?: [0-9A-Z]{4}){2,7}(?: [0-9A-Z]{1,3})?|[A-Za-z]{2}\d\d[0-9A-Za-z]{11,30})(?![\w-])"
)
_RESIDENT_ID = re.compile(rb"(?<![\w.-])[1-9]\d{5}(?:19|20)\d{9}[\dXx](?![\w-])(?!\.\d)")

# 12 to 19 digits, alone or in groups, that start like a card (ISO/IEC 7812: 3 to 6; 2131, 1800: JCB; 22 to 27: Mastercard).
# Groups with more digits before or behind are a row of a table.
_CARD_START = rb"(?:[3-6]\d{3}|2[2-7]\d\d|2131|1800)"
_CARD = re.compile(
    rb"(?<![\w.,+-])(?:" + _CARD_START + rb"\d{8,15}"
    rb"|(?<!\d[ -])" + _CARD_START + rb"(?:(?:[ -]\d{4}){2,3}(?:[ -]\d{1,3})?|[ -]\d{6}[ -]\d{4,5})(?![ -]\d))(?![\w-])(?!\.\d)"
)
# First digits, and how many digits such a card has.
_CARD_LENGTHS = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11}|(?:35\d\d|6\d{3})\d{12}|(?:2131|1800)\d{11}"
    r"|(?:5[0678]|6[0-9])\d{10,17}"
)

_SSN = re.compile(rb"(?<![\w.-])\d{3}([ -]?)\d\d\1\d{4}(?![\w-])(?!\.\d)")
_NAMES_SSN = re.compile(rb"(?:\bssn\b|social[ -]security)[^\d]{0,30}$")  # of lower case, as all that name a kind

_IPV4 = rb"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w-])(?!\.\d)"
_IPV6 = rb"(?<![\w:.])(?:[0-9A-Fa-f]{1,4}:{1,2}){2,7}(?:[0-9A-Fa-f]{1,4})?(?![\w:.])"
_IP = re.compile(_IPV4 + rb"|" + _IPV6)
_NAMES_VERSION = re.compile(rb"(?:version|release|section|rev|[<>=~!]=?|[\w-]+[-_/=])\s*$")
_NAMES_ADDRESS = re.compile(rb"(?:\bip(?:v4)?|address|addr|host|server|from|gateway|dns|https?:/)\b\W{0,3}(?:is )?$")

_PASSPORT = re.compile(rb"(?<![\w.-])[A-Z]{0,2}\d[0-9A-Z]{4,8}(?![\w-])(?!\.\d)")
_NAMES_PASSPORT = re.compile(
    rb"(?:pass?[ae]?port[eo]?|reisepass|pasaporte|" + "паспорт|护照|護照|パスポート|旅券|여권".encode() + rb")[^\d]{0,30}$",
)

# E.164 with its plus or 00; North American 3-3-4 (area and exchange never start with 0 or 1); a national number in groups after a
# trunk zero; French pairs; a Chinese mobile number; and any group of digits, which counts only beside a word such as "phone".
_LINES = rb"(?i:fax|office|mobile|cell|phone|tel)\b"
_PHONE = re.compile(
    rb"(?<![\w.+])(?:"
    rb"(?P<world>(?:\+|00(?:[ .-]|(?=\d{1,3}[ .-])))[1-9]\d{0,2}[ .-]?(?:\(0?\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4})"
    rb"|(?:1[ .-])?(?:\([2-9]\d\d\) ?|[2-9]\d\d[.-])[2-9]\d\d[.-]\d{4}"
    rb"|(?P<trunk>0[1-9]\d{1,3}(?: \d{2,4}){2,3}|0[1-9](?:(?:\.\d\d){4}|(?:-\d\d){4}))"
    rb"|(?P<mobile>1[3-9]\d(?:\d{8}|([ -])\d{4}\4\d{4}))"
    rb"|(?P<bare>\(?\d{1,5}\)?(?:[ ./-]{0,3}\d{2,5}){1,5})"
    rb")(?:\s?(?:x|ext\.? ?)\d{1,5})?(?!\w|-(?!" + _LINES + rb"))(?!\.\d)"
)
_LINE_BEHIND = re.compile(rb"[ -]\(?" + _LINES)
_NAMES_PHONE = re.compile(
    rb"(?:(?:\b(?:tele?|cell|handy|fax|mobile?|call (?:me |us |him |her )?(?:at|on)|(?:reach|text|ring) (?:me|us) (?:at|on)|dial)"
    rb"|phone|telefon[eo]?|t\xc3\xa9l\xc3\xa9(?:phone)?|tel\xc3\xa9fono|whatsapp)\b|\b(?:desk|office|home|work|direct) ?:|"
    + "тел|电话|電話|手机|手機|联系方式|전화|โทร".encode()
    + rb")[^\d]{0,20}$"
)
_CHINESE = re.compile(rb"[\xe4-\xe9][\x80-\xbf]{2}")  # U+4000 to U+9FFF
_MIN_PHONE_DIGITS, _MAX_PHONE_DIGITS = 7, 15  # E.164 has at most 15


_NO_DIGITS = bytes(byte for byte in range(256) if byte not in b"0123456789")


def _before(match: re.Match[bytes], size: int) -> bytes:
    """What stands before the match, in lower case: faster than expressions that ignore it."""
    return bytes(match.string[max(0, match.start() - size) : match.start()]).lower()


def _digits(match: re.Match[bytes]) -> str:
    return match[0].translate(None, _NO_DIGITS).decode()


def _is_email(match: re.Match[bytes]) -> bool:
    """Not the user name of an ssh remote, nor a name of punctuation alone, nor user:password@host in a URL."""
    name = match[0].partition(b"@")[0]
    return (
        name not in _ROLE_ACCOUNTS
        and re.search(rb"[^\W_]|[\x80-\xff]", name) is not None
        and b"://" not in _before(match, 80).rpartition(b" ")[2]
    )


def _is_iban(match: re.Match[bytes]) -> bool:
    """Check digits (ISO 13616: modulo 97 of ISO 7064), and the length and structure that its country registered."""
    return bool(iban.is_valid(match[0].decode(), check_country=False))


def _is_resident_id(match: re.Match[bytes]) -> bool:
    """Check character (GB 11643: modulo 11-2 of ISO 7064), a date of birth, and a county that existed then."""
    return bool(ric.is_valid(match[0].decode()))


def _is_card(match: re.Match[bytes]) -> bool:
    """The digits have a length that goes with their first ones, and a right check digit (ISO/IEC 7812-1, annex B)."""
    digits = _digits(match)
    return bool(_CARD_LENGTHS.fullmatch(digits)) and bool(luhn.is_valid(digits))


def _is_ssn(match: re.Match[bytes]) -> bool:
    """An area, group and serial that can be issued; without hyphens only where the words before say so."""
    return bool(ssn.is_valid(_digits(match))) and (match[1] == b"-" or bool(_NAMES_SSN.search(_before(match, 50))))


def _is_ip(match: re.Match[bytes]) -> bool:
    """A public address. Four small numbers are a version unless the words before say address."""
    try:
        address = ipaddress.ip_address(match[0].decode())
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        # Global unicast is 2000::/3 (RFC 4291); the eight groups of a full address are no slice or scope operator.
        return match[0].count(b":") == 7 or (address.is_global and int(address) >> 125 == 1)
    before = _before(match, 20)
    if not address.is_global or _NAMES_VERSION.search(before):
        return False
    return max(address.packed) >= 100 or bool(_NAMES_ADDRESS.search(before))


def _is_passport(match: re.Match[bytes]) -> bool:
    """Six to nine characters, five digits or more (ICAO 9303 allows nine), after a word for passport."""
    return 6 <= len(match[0]) <= 9 and len(_digits(match)) >= 5 and bool(_NAMES_PASSPORT.search(_before(match, 60)))


def _is_phone(match: re.Match[bytes]) -> bool:
    """As many digits as a phone number has, there; a bare one is called a phone number beside it."""
    digits = len(_digits(match))
    if match["world"]:
        return _is_world_number(match["world"].decode())
    if match["trunk"]:
        return digits in {10, 11}
    if match["mobile"] and _CHINESE.search(match.string[max(0, match.start() - 30) : match.end() + 30]):
        return True
    if match["mobile"] or match["bare"]:
        named = _LINE_BEHIND.match(match.string, match.end()) or _NAMES_PHONE.search(_before(match, 60))
        return _MIN_PHONE_DIGITS <= digits <= _MAX_PHONE_DIGITS and bool(named)
    return True


def _is_world_number(number: str) -> bool:
    """The calling code is assigned and its numbers have such a length; ``+3.1415926535`` is a decimal."""
    digits = re.sub(r"\(0\)|^00|\D", "", number)
    if len(digits) < (_MIN_PHONE_DIGITS if number.startswith("+") else 10) or re.fullmatch(r"\+\d+\.\d+", number):
        return False
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE


PATTERNS: dict[Kind, tuple[re.Pattern[bytes], Check]] = {
    "key": (_KEY, lambda _: True),
    "email": (_EMAIL, _is_email),
    "iban": (_IBAN, _is_iban),
    "resident_id": (_RESIDENT_ID, _is_resident_id),
    "card": (_CARD, _is_card),
    "ssn": (_SSN, _is_ssn),
    "ip": (_IP, _is_ip),
    "passport": (_PASSPORT, _is_passport),
    "phone": (_PHONE, _is_phone),
}
