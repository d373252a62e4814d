"""Words that are obscene or insult people in almost any context; lowercase, English.

The choice is our own, and short on purpose. Left out are words with a common neutral use ("kill", "dick" as a name, "cock",
"retard" in mechanics, "queer", names of groups) and mild oaths ("damn", "hell"). The list finds texts that are thick with abuse;
it does not find polite hostility, and it must not be read as a list of bad documents one by one.
"""

from __future__ import annotations

_STEMS = {
    "fuck": "s ed er ers in ing face wit",
    "motherfuck": "er ers in ing",
    "clusterfuck": "",
    "shit": "s ty ting head heads show",
    "bullshit": "",
    "bitch": "es y in ing",
    "cunt": "s",
    "asshole": "s",
    "arsehole": "s",
    "dickhead": "s",
    "jackass": "es",
    "dumbass": "es",
    "bastard": "s",
    "wanker": "s",
    "twat": "s",
    "whore": "s",
    "slut": "s ty",
    "skank": "s y",
    "hoe": "s",
    "moron": "s ic",
    "imbecile": "s",
    "scumbag": "s",
    "douchebag": "s",
    "nigger": "s",
    "nigga": "s",
    "faggot": "s",
    "fag": "s",
    "kike": "s",
    "wetback": "s",
    "raghead": "s",
    "towelhead": "s",
    "tranny": "",
    "trannies": "",
    "retarded": "",
    "pussies": "",
    "stfu": "",
    "kys": "",
}
TOXIC_WORDS: frozenset[str] = frozenset(stem + ending for stem, endings in _STEMS.items() for ending in ["", *endings.split()])
