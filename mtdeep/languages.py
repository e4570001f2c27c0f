"""Language codes: any usual spelling in, one BCP-47 code out.

The canonical code is the shortest BCP-47 tag of the language, with the script only where it matters (`en`, `sr`,
`sr-Latn`; Chinese always says its script: `zh-Hans`), and a region only where the given code has one (`pt-BR`).
`langcodes` does the standard part; `language_aliases` has the spellings that are not BCP-47, `language_tables` the
languages and scripts that langcodes lacks. What a code drops is in the tags of stores, so it depends on langcodes' data
and on `_SCRIPTS` alone, and these may grow only by languages that no store has. What a spelling means may be mended:
whoever looks a user's code up in a store gives `resolve` the store's codes. fairseq splits directions at the
hyphen, so in its flags, files and symbols the hyphen is an underscore: `zh_Hans`.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache, lru_cache

import langcodes
from langcodes.data_dicts import ALL_SCRIPTS, LIKELY_SUBTAGS
from langcodes.tag_parser import LanguageTagError

from mtdeep.language_aliases import ALIASES, as_bcp47
from mtdeep.language_tables import attested_scripts, new_languages

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
# English names that CLDR lacks.
_NAMES = {
    "acm": "Mesopotamian Arabic",
    "acq": "Ta'izzi-Adeni Arabic",
    "cbk": "Chavacano",
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


def resolve(code: str, known: Collection[str] = ()) -> str:
    """The canonical BCP-47 code of any accepted spelling (`eng_Latn`, `zh_CN`, `deu`, `sr-latn`, `sr_RS@latin`).

    *known* are the codes of a store, which may be older than what their spellings mean today: one of them means itself,
    and what they mean today means them. Raises `UserError` that names the code and similar ones.
    """
    if (given := from_fairseq_code(code.strip())) in known:
        return given
    canonical = find(code)
    if canonical is None:
        from mtdeep.language_hints import unknown  # Babel's names, only for whoever is wrong

        raise unknown(code)
    if canonical in known:
        return canonical
    return next((old for old in known if find(old) == canonical), canonical)


# Bounded, because what files call languages comes here too.
@lru_cache(maxsize=4096)
def find(code: str) -> str | None:
    """The canonical code of any accepted spelling; None for what is none."""
    spelling, is_alias = as_bcp47(code)
    try:
        # The macrolanguage is what corpora mean: lvs is lv, arb is ar, zsm is ms. What an alias means it says itself.
        tag = langcodes.Language.get(langcodes.standardize_tag(spelling, macro=not is_alias), normalize=not is_alias)
    except (LanguageTagError, ValueError):
        return None
    if not tag.language or not _is_valid(tag) or (tag.script and tag.script not in ALL_SCRIPTS):
        return None
    return _shortest(tag)


def _is_valid(tag: langcodes.Language) -> bool:
    """Whether all parts of a tag are registered, the language perhaps since langcodes took the registry over."""
    if tag.language in new_languages():
        tag = langcodes.Language.make(**{**tag.to_dict(), "language": "und"})
    # Of Min Nan's Latin letters, whose variants have been registered since.
    return bool(tag.is_valid()) or str(tag) in ALIASES.values()


def _shortest(tag: langcodes.Language) -> str:
    """Drop the script that the language has anyway, except for languages that always say it."""
    language = str(tag.language)
    region, script_code = tag.territory, tag.script
    if language in _SAY_SCRIPT:
        likely = _likely(f"{language}-{region}" if region else language)
        script_code = script_code or likely[0]
        if region == _likely(f"{language}-{script_code}")[1]:
            region = None
    # Not where the region says another script: the Cyrillic Serbian of Montenegro is no sr-ME, whose letters are Latin.
    elif script_code == _likely(language)[0] == _likely(f"{language}-{region}" if region else language)[0]:
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


def fairseq_code(code: str) -> str:
    """A canonical code as fairseq can bear it: `zh-Hans` -> `zh_Hans`."""
    return code.replace("-", "_")


def from_fairseq_code(code: str) -> str:
    """The inverse of `fairseq_code`."""
    return code.replace("_", "-")


@cache
def script(code: str) -> str:
    """ISO 15924 code of the script that a canonical code most likely means; `Latn` for languages nobody has data on."""
    tag = langcodes.Language.get(code, normalize=False)
    if tag.script:
        return str(tag.script)
    language = str(tag.language)
    if language in _SCRIPTS or language in LIKELY_SUBTAGS or language not in attested_scripts():
        return _likely(f"{language}-{tag.territory}" if tag.territory else language)[0]
    return attested_scripts()[language][0]


@cache
def scripts(code: str) -> tuple[str, ...]:
    """Scripts that text under a canonical code may be in, `script` first; none where nobody has data on the language.

    A code that says its script, or a region where another is usual (`uz-AF`), means that one. Any other code means
    all that the language is written in (`mtdeep/language_scripts.tsv`): corpora use it for all of them.
    """
    tag = langcodes.Language.get(code, normalize=False)
    language, likely = str(tag.language), script(code)
    if tag.script or likely != script(language):
        return (likely,)
    attested = attested_scripts().get(language, (likely,) if language in _SCRIPTS else ())
    return tuple(dict.fromkeys((likely, *attested))) if attested else ()


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
    if base is None and tag.language not in new_languages():
        return code
    base = base or new_languages()[tag.language].name
    details = [english.scripts.get(tag.script), english.territories.get(tag.territory), *(tag.variants or [])]
    shown = ", ".join(str(d) for d in details if d)
    return f"{base} ({shown})" if shown else str(base)
