"""Language codes: any usual spelling in, one BCP-47 code out.

The canonical code is the shortest BCP-47 tag of the language, with the script only where it matters (`en`, `sr`,
`sr-Latn`; Chinese always says its script: `zh-Hans`), and a region only where the given code has one (`pt-BR`).
`langcodes` does the standard part; the tables below hold what it cannot know: spellings of corpora (FLORES, OPUS,
NTREX, M2M-100) that are not BCP-47, and scripts of languages that CLDR does not list. fairseq splits directions at the
hyphen, so in its flags, files and symbols the hyphen is an underscore: `zh_Hans`.
"""

from __future__ import annotations

import difflib
from functools import cache, lru_cache

import langcodes
from langcodes.data_dicts import ALL_SCRIPTS, LANGUAGE_ALPHA3, LIKELY_SUBTAGS
from langcodes.tag_parser import LanguageTagError

from mtdeep.errors import UserError

# Spelling (lower case, hyphens) -> BCP-47: only what langcodes gets wrong or does not accept.
ALIASES = {
    "no": "nb",  # M2M-100, OPUS and Wikipedia: their Norwegian is Bokmål
    "nor": "nb",
    "ns": "nso",  # M2M-100
    "cn": "zh-Hans",  # OPUS
    "jp": "ja",
    "zhs": "zh-Hans",
    "zht": "zh-Hant",
    "zh-chs": "zh-Hans",
    "zh-cht": "zh-Hant",
    "zh-classical": "lzh",  # Wikipedia
    "zh-yue": "yue",
    "gsw-be": "gsw-x-bern",  # NTREX: Bern and Zurich, neither Belgium nor an unassigned region
    "gsw-zh": "gsw-x-zurich",
    "kor-hang": "ko",  # FLORES-200: Hangul alone, where CLDR says Kore
    "ko-hang": "ko",
    "pbt": "ps",
    "pbt-arab": "ps",
    "twi": "tw",  # FLORES-200 has Twi beside Akan, which CLDR merges
    "twi-latn": "tw",
    "tw": "tw",
}
# Scripts that CLDR's likely subtags lack, or give otherwise than the public corpora have them.
_SCRIPTS = {
    **dict.fromkeys(("acm", "acq", "aeb", "ajp", "apc", "ars", "ary", "arz", "azb", "mey"), "Arab"),
    **dict.fromkeys(("lzh", "yue"), "Hant"),
    **dict.fromkeys(("shi", "wal"), "Latn"),
    "grc": "Grek",
    "hbo": "Hebr",
    "oj": "Cans",
    "sat": "Olck",
}
# Languages that public corpora have in several scripts under a code that says none (shi: NTREX, the Bible).
_IN_SEVERAL = {"shi": ("Latn", "Arab", "Tfng")}
# English names that CLDR lacks.
_NAMES = {
    "acm": "Mesopotamian Arabic",
    "acq": "Ta'izzi-Adeni Arabic",
    "apc": "Levantine Arabic",
    "fuv": "Nigerian Fulfulde",
    "hne": "Chhattisgarhi",
    "kbp": "Kabiye",
    "ajp": "South Levantine Arabic",
    "azb": "South Azerbaijani",
    "cjk": "Chokwe",
    "hbo": "Biblical Hebrew",
    "mey": "Hassaniya Arabic",
    "quy": "Ayacucho Quechua",
    "taq": "Tamasheq",
    "gsw-x-bern": "Swiss German (Bern)",
    "gsw-x-zurich": "Swiss German (Zurich)",
}
_SAY_SCRIPT = {"zh"}
# Modifiers of POSIX locales' names (`sr@latin`) -> what BCP-47 has for them; scripts' codes (`sr@Latn`) are some too.
_MODIFIERS = {
    "latin": "Latn",
    "cyrillic": "Cyrl",
    "iqtelif": "Latn",
    "devanagari": "Deva",
    "ije": "ijekavsk",
    "euro": "",
}


def resolve(code: str) -> str:
    """The canonical BCP-47 code of any accepted spelling (`eng_Latn`, `zh_CN`, `deu`, `sr-latn`, `sr_RS@latin`).

    Raises `UserError` that names the code and similar ones.
    """
    canonical = find(code)
    if canonical is None:
        raise _unknown(code)
    return canonical


# Bounded, because what files call languages comes here too.
@lru_cache(maxsize=4096)
def find(code: str) -> str | None:
    """The canonical code of any accepted spelling; None for what is none."""
    spelling = _without_modifier(code.strip()).replace("_", "-")
    if spelling.lower() in ALIASES:
        return ALIASES[spelling.lower()]
    try:
        # The macrolanguage is what corpora mean: lvs is lv, arb is ar, zsm is ms.
        tag = langcodes.Language.get(langcodes.standardize_tag(spelling, macro=True))
    except (LanguageTagError, ValueError):
        return None
    if not tag.language or not tag.is_valid() or (tag.script and tag.script not in ALL_SCRIPTS):
        return None
    return _shortest(tag)


def _without_modifier(spelling: str) -> str:
    """`sr_RS@latin` as `sr_Latn_RS`, `ca@valencia` as `ca_valencia`: a script stands behind the language."""
    name, _, modifier = spelling.partition("@")
    if not modifier:
        return spelling
    added = _MODIFIERS.get(modifier, modifier)
    language, _, region = name.partition("_")
    parts = [language, added, region] if added.title() in ALL_SCRIPTS else [language, region, added]
    return "_".join(part for part in parts if part)


def _shortest(tag: langcodes.Language) -> str:
    """Drop the script that the language has anyway, except for languages that always say it."""
    language = str(tag.language)
    region, script_code = tag.territory, tag.script
    if language in _SAY_SCRIPT:
        likely = _likely(f"{language}-{region}" if region else language)
        script_code = script_code or likely[0]
        if region == _likely(f"{language}-{script_code}")[1]:
            region = None
    elif script_code == _likely(language)[0]:
        script_code = None
    rest = [*(tag.variants or []), *(tag.extensions or []), *([tag.private] if tag.private else [])]
    return "-".join(part for part in [language, script_code, region, *rest] if part)


def _likely(tag: str) -> tuple[str, str | None]:
    """Likely script and region of `language`, `language-Script` or `language-REGION`; Latin where nobody knows."""
    language = tag.split("-")[0]
    if language in _SCRIPTS and (tag == language or tag not in LIKELY_SUBTAGS):
        return _SCRIPTS[language], None
    full = LIKELY_SUBTAGS.get(tag) or LIKELY_SUBTAGS.get(language)
    if full is None:
        return "Latn", None
    parts = full.split("-")
    return parts[1], parts[2]


def _unknown(code: str) -> UserError:
    known = sorted({*ALIASES, *LANGUAGE_ALPHA3, *LANGUAGE_ALPHA3.values(), *LIKELY_SUBTAGS})
    by_name = {name(c).lower(): c for c in known if c in LANGUAGE_ALPHA3}
    wanted = code.strip().replace("_", "-").lower()
    by_name |= _own_names(wanted)
    close = [by_name[n] for n in difflib.get_close_matches(wanted, by_name, n=2, cutoff=0.8)]
    close += difflib.get_close_matches(wanted, known, n=4, cutoff=0.6)
    matches = list(dict.fromkeys(close))[:5]
    remedy = f"did you mean {', '.join(matches)}?" if matches else "use a BCP-47 code such as en, de or zh-Hans"
    return UserError(f"unknown language code {code!r}; {remedy}")


def _own_names(wanted: str) -> dict[str, str]:
    """What languages call themselves (`deutsch`) -> code, of those whose codes begin like *wanted*: to load all of CLDR
    takes seconds, and most languages have a code of their own name."""
    from babel import Locale, localedata

    codes = [code for code in localedata.locale_identifiers() if "_" not in code and code[0] == wanted[:1]]
    names = {code: Locale(code).languages.get(code) for code in codes}
    return {own.lower(): code for code, own in names.items() if own}


def fairseq_code(code: str) -> str:
    """A canonical code as fairseq can bear it: `zh-Hans` -> `zh_Hans`."""
    return code.replace("-", "_")


def from_fairseq_code(code: str) -> str:
    """The inverse of `fairseq_code`."""
    return code.replace("_", "-")


@cache
def script(code: str) -> str:
    """ISO 15924 code of the script that a canonical code is written in; `Latn` for languages nobody has data on."""
    tag = langcodes.Language.get(code, normalize=False)
    return tag.script or _likely(f"{tag.language}-{tag.territory}" if tag.territory else str(tag.language))[0]


def scripts(code: str) -> tuple[str, ...]:
    """Scripts that text under a canonical code may be in, `script` first; the others are those of `_IN_SEVERAL`."""
    tag = langcodes.Language.get(code, normalize=False)
    return (script(code),) if tag.script else _IN_SEVERAL.get(str(tag.language), (script(code),))


@cache
def name(code: str) -> str:
    """English name of a canonical code for display; the code itself where nobody has data on it."""
    from babel import Locale  # CLDR's names; heavy, and only people need them

    if code in _NAMES:
        return _NAMES[code]
    english = Locale("en")
    known = english.languages.get(fairseq_code(code))
    if known:
        return str(known)
    tag = langcodes.Language.get(code, normalize=False)
    base = _NAMES.get(str(tag.language)) or english.languages.get(str(tag.language))
    if base is None:
        return code
    details = [english.scripts.get(tag.script), english.territories.get(tag.territory), *(tag.variants or [])]
    shown = ", ".join(str(d) for d in details if d)
    return f"{base} ({shown})" if shown else str(base)
