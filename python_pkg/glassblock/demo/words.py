"""The words of the demo language: plain tables, so that the grammar beside them stays readable.

Every word is one token. That is why the language has no punctuation glued to words and why a
capital such as Addis Ababa is not in it.
"""

from __future__ import annotations

NAMES: tuple[str, ...] = tuple(
    (
        "Mary John Alice Bob Emma Tom Lucy Sam Anna Paul Kate Mark Rose Jack Sara Luke Jane Max "
        "Nina Leo Ella Adam Ruth Carl Amy Dan Eva Fred Gina Hugo Ivy Joe Kim Liam Mia Noah Olga "
        "Pete Quinn Ron Sue Ted Uma Vic Wendy Zoe Ben Clara Dora Eric"
    ).split()
)

PLACES: tuple[str, ...] = tuple("store park school beach market library garden station museum office".split())

OBJECTS: tuple[str, ...] = tuple("drink book ball ring map cake letter flower coin pear".split())

ADJECTIVES: tuple[str, ...] = tuple("new red blue small big clean heavy rare lost famous".split())

PREPOSITIONS: tuple[str, ...] = tuple("to near behind beside under by".split())

_REGULAR_NOUNS = (
    "key cabinet door table chair lamp car boat tree bird dog cat horse road house window picture "
    "bottle cup plate shoe hat coat clock phone bell bridge tower wall fence basket mirror bag "
    "stone desk farmer teacher"
).split()

PLURALS: dict[str, str] = {noun: f"{noun}s" for noun in _REGULAR_NOUNS} | {
    "box": "boxes",
    "knife": "knives",
    "shelf": "shelves",
}

NOUNS: tuple[str, ...] = tuple(PLURALS)

NUMBERS: tuple[str, ...] = tuple(str(n) for n in range(19))
"""Everything that two digits can add up to: "0" to "18"."""

COUNTRIES: dict[str, tuple[str, str, str]] = {
    country: (capital, language, continent)
    for country, capital, language, continent in (
        line.split()
        for line in """
        France Paris French Europe
        Germany Berlin German Europe
        Italy Rome Italian Europe
        Spain Madrid Spanish Europe
        Portugal Lisbon Portuguese Europe
        Greece Athens Greek Europe
        Poland Warsaw Polish Europe
        Sweden Stockholm Swedish Europe
        Norway Oslo Norwegian Europe
        Finland Helsinki Finnish Europe
        Denmark Copenhagen Danish Europe
        Russia Moscow Russian Europe
        Ukraine Kyiv Ukrainian Europe
        Hungary Budapest Hungarian Europe
        Romania Bucharest Romanian Europe
        Bulgaria Sofia Bulgarian Europe
        Iceland Reykjavik Icelandic Europe
        Ireland Dublin English Europe
        Austria Vienna German Europe
        Serbia Belgrade Serbian Europe
        Japan Tokyo Japanese Asia
        China Beijing Chinese Asia
        Korea Seoul Korean Asia
        Thailand Bangkok Thai Asia
        Vietnam Hanoi Vietnamese Asia
        Nepal Kathmandu Nepali Asia
        Mongolia Ulaanbaatar Mongolian Asia
        Iran Tehran Persian Asia
        Iraq Baghdad Arabic Asia
        Jordan Amman Arabic Asia
        Turkey Ankara Turkish Asia
        Indonesia Jakarta Indonesian Asia
        Laos Vientiane Lao Asia
        Egypt Cairo Arabic Africa
        Kenya Nairobi Swahili Africa
        Ghana Accra English Africa
        Nigeria Abuja English Africa
        Senegal Dakar French Africa
        Morocco Rabat Arabic Africa
        Tunisia Tunis Arabic Africa
        Somalia Mogadishu Somali Africa
        Angola Luanda Portuguese Africa
        Zambia Lusaka English Africa
        Peru Lima Spanish America
        Chile Santiago Spanish America
        Cuba Havana Spanish America
        Brazil Brasilia Portuguese America
        Canada Ottawa English America
        Colombia Bogota Spanish America
        Ecuador Quito Spanish America
        """.strip().splitlines()
    )
}
"""Country -> (capital, language, continent): 50 countries, 150 facts.

One language a country, and America is one continent: the table is for memorising, not for school.
"""

WORDINGS: dict[str, tuple[str, str, str]] = {
    "capital": (
        "the capital of {country} is",
        "in {country} the capital is",
        "the capital city of {country} is",
    ),
    "language": (
        "the language of {country} is",
        "people in {country} speak",
        "in {country} people speak",
    ),
    "continent": (
        "the continent of {country} is",
        "{country} lies in",
        "{country} is a country in",
    ),
}
"""Relation -> the three ways to ask for it, in the order of the columns of `COUNTRIES`."""

SUBORDINATE_LEADS: tuple[str, ...] = ("when", "after", "while", "as")
MAIN_LEADS: tuple[str, ...] = ("", "one day ,", "in the morning ,")
SUBORDINATE_LINKS: tuple[str, ...] = (", {giver}", ", {giver} then", ", {giver} later")
MAIN_LINKS: tuple[str, ...] = (
    "and {giver}",
    "and then {giver}",
    ", then {giver}",
    ", and {giver}",
    ". Then {giver}",
    ". Later {giver}",
)
SCENES: tuple[str, ...] = (
    "{a} and {b} went to the {place}",
    "{a} and {b} walked to the {adjective} {place}",
    "{a} and {b} were at the {place}",
    "{a} and {b} worked near the {place}",
    "{a} and {b} sat near the {adjective} {place}",
    "{a} and {b} had a {object}",
    "{a} and {b} found the {adjective} {object}",
    "{a} met {b}",
    "{a} met {b} at the {place}",
    "{a} saw {b} near the {place}",
    "{a} found {b} with a {adjective} {object}",
    "{a} went with {b} to the {adjective} {place}",
)
RESERVED_SCENES: tuple[str, ...] = (
    "{a} worked with {b} at the {place}",
    "{a} and {b} met near the {adjective} {place}",
)
"""Scenes that no model is trained on: they appear in the reworded split only."""
TRANSFERS: tuple[str, ...] = ("gave", "passed", "handed", "showed")
GIFTS: tuple[str, ...] = (
    "a {object}",
    "the {object}",
    "a {adjective} {object}",
    "the {adjective} {object}",
    "it",
)

STARTERS: tuple[str, ...] = tuple("the when after while as one in people then later".split())
"""Words that may open a sentence; they are written with and without a capital."""
