"""Spellings of language codes that are not BCP-47: those of corpora, wikis, locales and programs.

`langcodes` knows old codes and ISO 639's long ones; here is what it gets wrong or does not accept. Where a spelling
means one thing to ISO and another to a corpus, ISO's holds (`als` is Tosk Albanian, as in FLORES-200, and not
Wikipedia's Alemannic; `nrm` is Narom and not its Norman), unless ISO's is not to be met: there are no texts in the
Spanish of Laos.
"""

from __future__ import annotations

import re

from langcodes.data_dicts import ALL_SCRIPTS

# Lower case, hyphens -> BCP-47. Longer codes that begin so are meant too (`no-NO`, `jp-JP`), where the longest fits.
ALIASES = {
    "no": "nb",  # M2M-100, OPUS and Wikipedia: their Norwegian is Bokmål
    "nor": "nb",
    "no-nb": "nb",  # GNOME
    "no-no-ny": "nn-NO",  # Java
    "ns": "nso",  # M2M-100
    "cn": "zh-Hans",  # OPUS
    "jp": "ja",
    "jap": "ja",  # bible-uedin
    "zhs": "zh-Hans",
    "zht": "zh-Hant",
    "zh-chs": "zh-Hans",
    "zh-cht": "zh-Hant",
    "zho-simpl": "zh-Hans",  # FLORES-101
    "zho-trad": "zh-Hant",
    "toki": "tok",  # Tatoeba
    "me": "cnr",  # MaCoCu, MontenegrinSubs
    "gsw-be": "gsw-x-bern",  # NTREX: Bern and Zurich, neither Belgium nor an unassigned region
    "gsw-zh": "gsw-x-zurich",
    "kor-hang": "ko",  # FLORES-200: Hangul alone, where CLDR says Kore
    "ko-hang": "ko",
    "pbt": "ps",
    "pbt-arab": "ps",
    "twi": "tw",  # FLORES-200 has Twi beside Akan, which CLDR merges
    "twi-latn": "tw",
    "tw": "tw",
    # Facebook's locales, as CCAligned, XLEnt and mBART have them.
    "es-la": "es-419",
    "ar-ar": "ar",
    "cb": "ckb",
    "cx": "ceb",
    "sz": "szl",
    "tz": "zgh",
    "zz": "zza",
    # Wikipedia and translatewiki, as MediaWiki's LanguageCode maps them.
    "bat-smg": "sgs",
    "be-x-old": "be-tarask",
    "cbk-zam": "cbk",
    "crh-ro": "crh-Latn-RO",
    "de-formal": "de-x-formal",
    "eml": "egl",
    "es-formal": "es-x-formal",
    "fiu-vro": "vro",
    "hu-formal": "hu-x-formal",
    "kk-tr": "kk-Latn-TR",
    "map-bms": "jv-x-bms",
    "nan-latn-pehoeji": "nan-Latn-pehoeji",
    "nan-latn-tailo": "nan-Latn-tailo",
    "nl-informal": "nl-x-informal",
    "roa-rup": "rup",
    "roa-tara": "nap-x-tara",
    "simple": "en-simple",
    "sr-ec": "sr",
    "sr-el": "sr-Latn",
    "zh-classical": "lzh",
    "zh-min-nan": "nan",
    "zh-yue": "yue",
}
# Modifiers of POSIX locales' names (`sr@latin`) -> what BCP-47 has for them; scripts' codes (`sr@Latn`) are some too.
_MODIFIERS = {
    "latin": "Latn",
    "cyrillic": "Cyrl",
    "iqtelif": "Latn",
    "devanagari": "Deva",
    "ije": "ijekavsk",
    "euro": "",
}
_ANDROID_REGION = re.compile(r"^([a-z]{2,3})-r([A-Z]{2})$")  # Android's folders: zh-rTW; it has b+sr+Latn too
_NO_REGION = re.compile(r"-xx$", re.IGNORECASE)  # mBART: en_XX


def as_bcp47(spelling: str) -> tuple[str, bool]:
    """Return the code that a spelling stands for, as BCP-47 has it, and whether `ALIASES` says so.

    What is none of the spellings known here comes back with its underscores as hyphens.
    """
    code = _without_modifier(spelling.strip()).replace("_", "-")
    if code.lower().startswith("b+"):
        code = code[2:].replace("+", "-")
    code = _NO_REGION.sub("", _ANDROID_REGION.sub(r"\1-\2", code))
    parts = code.split("-")
    for number in range(len(parts), 0, -1):
        if alias := ALIASES.get("-".join(parts[:number]).lower()):
            return "-".join([alias, *parts[number:]]), True
    return code, False


def _without_modifier(spelling: str) -> str:
    """Return `sr_RS@latin` as `sr_Latn_RS`, `ca@valencia` as `ca_valencia`: a script stands behind the language."""
    name, _, modifier = spelling.partition("@")
    if not modifier:
        return spelling
    added = _MODIFIERS.get(modifier, modifier)
    language, _, region = name.partition("_")
    parts = [language, added, region] if added.title() in ALL_SCRIPTS else [language, region, added]
    return "_".join(part for part in parts if part)
