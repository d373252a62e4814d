"""Words that name people by group, and words that name people by work.

A group is ``axis/group``; its words are lowercase single words, as ``pipeline.text.ngrams`` scans and folds them. The choice
is our own: plain nouns, adjectives and pronouns that name a group in neutral use. Left out on purpose:

- words whose usual sense in technical or general prose is another (``straight``, ``trans``, ``white``, ``black``, ``miss``,
  ``polish``, ``blind``, ``disabled``, ``agnostic``, the ``child`` of a node): counting them would measure something else;
- first names, for a name is no group;
- slurs: they are the business of the toxicity filter.

Words change: prose before 1950 or so says ``gay`` and ``queer`` of a mood. Counts understate presence; compare groups of one
axis, not axes.
"""

from __future__ import annotations


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _plural(noun: str) -> str:
    """English plural, for the nouns below: -man, -wife, consonant + y, and hissing ends; else s."""
    if noun.endswith(("man", "wife")):
        return noun[:-2] + "en" if noun.endswith("man") else noun[:-2] + "ves"
    if noun.endswith("y") and noun[-2] not in "aeiou":
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "sh", "ch", "x")) else "s")


# axis/group -> its words. No word is in two groups.
IDENTITY_TERMS: dict[str, frozenset[str]] = {
    "age/old": _words("elderly elder elders senior seniors pensioner pensioners retiree retirees grandparent grandparents"),
    "age/young": _words(
        "young youth youths teenager teenagers teen teens adolescent adolescents kid kids youngster"
        " youngsters toddler toddlers infant infants baby babies"
    ),
    "disability/physical": _words(
        "disability disabilities wheelchair wheelchairs paraplegic paraplegics amputee amputees quadriplegic"
    ),
    "disability/sensory": _words("deaf blindness deafness braille sightless"),
    "disability/mental": _words(
        "autistic autism dyslexic dyslexia schizophrenic schizophrenia bipolar depressed neurodivergent adhd"
    ),
    "gender/female": _words(
        "she her hers herself woman women female females girl girls lady ladies mother mothers mom moms mum mums mama"
        " daughter daughters sister sisters wife wives aunt aunts niece nieces grandmother grandmothers princess"
        " princesses girlfriend girlfriends bride brides widow widows housewife housewives mrs ms madam heroine heroines"
        " actress actresses waitress waitresses goddess goddesses"
    ),
    "gender/male": _words(
        "he him his himself man men male males boy boys gentleman gentlemen father fathers dad dads papa son sons"
        " brother brothers husband husbands uncle uncles nephew nephews grandfather grandfathers prince princes"
        " boyfriend boyfriends bridegroom bridegrooms widower widowers mr sir hero heroes actor actors waiter waiters"
    ),
    "gender/nonbinary": _words("nonbinary genderqueer genderfluid agender transgender transsexual intersex"),
    "origin/african": _words(
        "african africans nigerian nigerians kenyan kenyans ethiopian ethiopians ghanaian ghanaians somali somalis"
        " egyptian egyptians moroccan moroccans algerian algerians tunisian tunisians sudanese congolese ugandan"
        " ugandans senegalese zimbabwean zimbabweans tanzanian tanzanians"
    ),
    "origin/american": _words(
        "american americans canadian canadians mexican mexicans brazilian brazilians argentine argentinian argentinians"
        " chilean chileans colombian colombians peruvian peruvians cuban cubans venezuelan venezuelans latino latinos"
        " latina latinas hispanic hispanics"
    ),
    "origin/asian": _words(
        "asian asians chinese japanese korean koreans vietnamese thai indian indians pakistani pakistanis bangladeshi"
        " bangladeshis indonesian indonesians filipino filipinos malaysian malaysians taiwanese nepali nepalese"
        " mongolian mongolians"
    ),
    "origin/european": _words(
        "european europeans english englishman englishmen scottish scotsman irish irishman irishmen british briton"
        " britons french frenchman frenchmen german germans italian italians spanish spaniard spaniards portuguese dutch"
        " belgian belgians swiss austrian austrians swedish swede swedes norwegian norwegians danish dane danes finnish"
        " finn finns russian russians ukrainian ukrainians greek greeks hungarian hungarians czech czechs romanian"
        " romanians"
    ),
    "origin/middle_eastern": _words(
        "arab arabs arabian arabians iranian iranians persian persians iraqi iraqis syrian syrians lebanese turkish"
        " turk turks palestinian palestinians israeli israelis saudi saudis kurdish kurd kurds afghan afghans yemeni"
        " yemenis jordanian jordanians"
    ),
    "religion/buddhist": _words("buddhist buddhists buddhism"),
    "religion/christian": _words(
        "christian christians christianity catholic catholics catholicism protestant protestants baptist baptists"
        " methodist methodists evangelical evangelicals"
    ),
    "religion/hindu": _words("hindu hindus hinduism"),
    "religion/jewish": _words("jewish jew jews judaism"),
    "religion/muslim": _words("muslim muslims moslem moslems islam islamic sunni sunnis shia shiite shiites"),
    "religion/none": _words("atheist atheists atheism secularist secularists"),
    "sexuality/heterosexual": _words("heterosexual heterosexuals heterosexuality"),
    "sexuality/homosexual": _words(
        "homosexual homosexuals homosexuality gay gays lesbian lesbians bisexual bisexuals queer lgbt lgbtq"
    ),
}

# What people do for a living: each form, singular or plural, -> the singular.
OCCUPATION_FORMS: dict[str, str] = {
    form: singular
    for singular in sorted(
        _words(
            "accountant actuary administrator analyst archaeologist architect artist astronaut astronomer attorney author"
            " baker banker barber bartender biologist blacksmith boss bricklayer broker builder butcher butler captain"
            " carpenter cashier chef chemist cleaner clerk coach cobbler colonel comedian composer conductor consultant cook"
            " counselor craftsman dancer dentist designer detective developer diplomat director doctor driver economist"
            " editor electrician engineer entrepreneur farmer firefighter fisherman florist gardener geologist governess"
            " guard hairdresser historian housekeeper hunter illustrator inspector instructor janitor jeweller journalist"
            " judge laborer labourer landlord lawyer lecturer librarian lieutenant lifeguard linguist magistrate maid"
            " mathematician mayor mechanic merchant midwife miller miner minister musician nanny novelist nurse officer"
            " optician painter paramedic pastor pharmacist philosopher photographer physician physicist pianist pilot"
            " plumber poet policeman policewoman politician potter priest professor programmer psychiatrist psychologist"
            " publisher receptionist reporter researcher sailor salesman saleswoman scholar scientist sculptor seamstress"
            " secretary sergeant servant shepherd shopkeeper singer soldier solicitor statistician statesman surgeon tailor"
            " teacher technician therapist tutor undertaker veterinarian weaver writer"
        )
    )
    for form in (singular, _plural(singular))
}

# The same, as a set of words to look for.
OCCUPATIONS: frozenset[str] = frozenset(OCCUPATION_FORMS)
