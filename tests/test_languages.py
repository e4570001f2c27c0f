"""Codes: canonical spelling against CLDR, aliases of the public corpora, errors."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mtdeep import languages
from mtdeep.errors import UserError

# FLORES-200's codes (NLLB Team 2022, arXiv 2207.04672, table 1).
_FLORES_200 = """
ace_Arab ace_Latn acm_Arab acq_Arab aeb_Arab afr_Latn ajp_Arab aka_Latn als_Latn amh_Ethi apc_Arab arb_Arab arb_Latn
ars_Arab ary_Arab arz_Arab asm_Beng ast_Latn awa_Deva ayr_Latn azb_Arab azj_Latn bak_Cyrl bam_Latn ban_Latn bel_Cyrl
bem_Latn ben_Beng bho_Deva bjn_Arab bjn_Latn bod_Tibt bos_Latn bug_Latn bul_Cyrl cat_Latn ceb_Latn ces_Latn cjk_Latn
ckb_Arab crh_Latn cym_Latn dan_Latn deu_Latn dik_Latn dyu_Latn dzo_Tibt ell_Grek eng_Latn epo_Latn est_Latn eus_Latn
ewe_Latn fao_Latn fij_Latn fin_Latn fon_Latn fra_Latn fur_Latn fuv_Latn gaz_Latn gla_Latn gle_Latn glg_Latn grn_Latn
guj_Gujr hat_Latn hau_Latn heb_Hebr hin_Deva hne_Deva hrv_Latn hun_Latn hye_Armn ibo_Latn ilo_Latn ind_Latn isl_Latn
ita_Latn jav_Latn jpn_Jpan kab_Latn kac_Latn kam_Latn kan_Knda kas_Arab kas_Deva kat_Geor kaz_Cyrl kbp_Latn kea_Latn
khk_Cyrl khm_Khmr kik_Latn kin_Latn kir_Cyrl kmb_Latn kmr_Latn knc_Arab knc_Latn kon_Latn kor_Hang lao_Laoo lij_Latn
lim_Latn lin_Latn lit_Latn lmo_Latn ltg_Latn ltz_Latn lua_Latn lug_Latn luo_Latn lus_Latn lvs_Latn mag_Deva mai_Deva
mal_Mlym mar_Deva min_Arab min_Latn mkd_Cyrl mlt_Latn mni_Beng mos_Latn mri_Latn mya_Mymr nld_Latn nno_Latn nob_Latn
npi_Deva nso_Latn nus_Latn nya_Latn oci_Latn ory_Orya pag_Latn pan_Guru pap_Latn pbt_Arab pes_Arab plt_Latn pol_Latn
por_Latn prs_Arab quy_Latn ron_Latn run_Latn rus_Cyrl sag_Latn san_Deva sat_Olck scn_Latn shn_Mymr sin_Sinh slk_Latn
slv_Latn smo_Latn sna_Latn snd_Arab som_Latn sot_Latn spa_Latn srd_Latn srp_Cyrl ssw_Latn sun_Latn swe_Latn swh_Latn
szl_Latn tam_Taml taq_Latn taq_Tfng tat_Cyrl tel_Telu tgk_Cyrl tgl_Latn tha_Thai tir_Ethi tpi_Latn tsn_Latn tso_Latn
tuk_Latn tum_Latn tur_Latn twi_Latn tzm_Tfng uig_Arab ukr_Cyrl umb_Latn urd_Arab uzn_Latn vec_Latn vie_Latn war_Latn
wol_Latn xho_Latn ydd_Hebr yor_Latn yue_Hant zho_Hans zho_Hant zsm_Latn zul_Latn
"""
# M2M-100 (Fan et al. 2020, arXiv 2010.11125, table 1).
_M2M_100 = """
af am ar ast az ba be bg bn br bs ca ceb cs cy da de el en es et fa ff fi fr fy ga gd gl gu ha he hi hr ht hu hy id ig
ilo is it ja jv ka kk km kn ko lb lg ln lo lt lv mg mk ml mn mr ms my ne nl no ns oc or pa pl ps pt ro ru sd si sk sl so
sq sr ss su sv sw ta th tl tn tr uk ur uz vi wo xh yi yo zh zu
"""
FLORES_200, M2M_100 = _FLORES_200.split(), _M2M_100.split()


@pytest.mark.parametrize(
    ("spelling", "code"),
    [
        ("en", "en"),
        ("EN", "en"),
        ("eng", "en"),
        ("eng_Latn", "en"),
        ("en_US", "en-US"),
        ("deu", "de"),
        ("ger", "de"),
        ("zh", "zh-Hans"),
        ("zh_CN", "zh-Hans"),
        ("zho-CN", "zh-Hans"),
        ("zho_Hans", "zh-Hans"),
        ("cmn", "zh-Hans"),
        ("zh_TW", "zh-Hant"),
        ("zh-hant", "zh-Hant"),
        ("zh_HK", "zh-Hant-HK"),
        ("yue_Hant", "yue"),
        ("srp_Cyrl", "sr"),
        ("sr_Latn", "sr-Latn"),
        ("sh", "sr-Latn"),
        ("aze-Latn", "az"),
        ("arb_Arab", "ar"),
        ("lvs_Latn", "lv"),
        ("por-BR", "pt-BR"),
        ("por", "pt"),
        ("no", "nb"),
        ("ns", "nso"),
        ("iw", "he"),
        ("tl", "fil"),
        ("kor_Hang", "ko"),
        ("gsw-BE", "gsw-x-bern"),
        (" fr ", "fr"),
        ("sr@latin", "sr-Latn"),  # locales of POSIX
        ("sr_RS@Latn", "sr-Latn-RS"),
        ("uz@cyrillic", "uz-Cyrl"),
        ("be@latin", "be-Latn"),
        ("tt@iqtelif", "tt-Latn"),
        ("en@shaw", "en-Shaw"),
        ("ca@valencia", "ca-valencia"),
        ("de_DE@euro", "de-DE"),
    ],
)
def test_resolve(spelling: str, code: str) -> None:
    """Usual spellings of a language give its canonical code."""
    assert languages.resolve(spelling) == code


def test_flores_codes_stay_apart() -> None:
    """No two of FLORES-200's 204 columns become one language, and each keeps its script."""
    resolved = {code: languages.resolve(code) for code in FLORES_200}
    assert len(FLORES_200) == 204
    assert len(set(resolved.values())) == 204
    hangul = {"Kore": "Hang"}  # CLDR counts Hanja to Korean's script
    for flores, code in resolved.items():
        script = languages.script(code)
        assert hangul.get(script, script) == flores.split("_")[1]


@pytest.mark.parametrize("codes", [FLORES_200, M2M_100], ids=["flores", "m2m"])
def test_canonical_codes_are_fixed_points(codes: list[str]) -> None:
    """A canonical code resolves to itself, in its fairseq form too, and has an English name."""
    for code in map(languages.resolve, codes):
        assert languages.resolve(code) == code
        assert languages.resolve(languages.fairseq_code(code)) == code
        assert languages.from_fairseq_code(languages.fairseq_code(code)) == code
        assert "-" not in languages.fairseq_code(code)
        assert languages.name(code) != code


@pytest.mark.parametrize(
    "code", ["xx", "foo", "english", "hello", "en-Xxxx", "spa_ref2", "en@quot", "@latin", "", "de-", "*"]
)
def test_unknown_code(code: str) -> None:
    """What is no language is refused by name."""
    with pytest.raises(UserError, match="unknown language code"):
        languages.resolve(code)


def test_unknown_code_shows_close_matches() -> None:
    """A name instead of a code, and a slip of the pen, lead to the code."""
    with pytest.raises(UserError, match=r"'german'; did you mean de\b"):
        languages.resolve("german")
    with pytest.raises(UserError, match=r"'english'; did you mean en\b"):
        languages.resolve("english")
    with pytest.raises(UserError, match=r"'Deutsch'; did you mean de\b"):
        languages.resolve("Deutsch")
    with pytest.raises(UserError, match=r"'zhh_Hans'; did you mean .*\bzh"):
        languages.resolve("zhh_Hans")


@pytest.mark.parametrize(
    ("code", "script", "name"),
    [
        ("en", "Latn", "English"),
        ("zh-Hans", "Hans", "Simplified Chinese"),
        ("sr", "Cyrl", "Serbian"),
        ("sr-Latn", "Latn", "Serbian (Latin)"),
        ("ja", "Jpan", "Japanese"),
        ("pt-BR", "Latn", "Brazilian Portuguese"),
        ("acm", "Arab", "Mesopotamian Arabic"),
        ("gsw-x-bern", "Latn", "Swiss German (Bern)"),
        ("grc", "Grek", "Ancient Greek"),  # CLDR's likely one is Cypriot
        ("wal", "Latn", "Wolaytta"),
        ("shi", "Latn", "Tachelhit"),
        ("lzh-TW", "Hant", "Literary Chinese (Taiwan)"),  # a region that CLDR does not list changes nothing
    ],
)
def test_script_and_name(code: str, script: str, name: str) -> None:
    """Scripts are CLDR's likely ones, names CLDR's English ones."""
    assert (languages.script(code), languages.name(code)) == (script, name)


def test_a_code_without_script_may_stand_for_several() -> None:
    """Tashelhiyt's corpora are in three scripts under one code; a code that says its script means that one."""
    assert languages.scripts("shi") == languages.scripts("shi-MA") == ("Latn", "Arab", "Tfng")
    assert languages.scripts(languages.resolve("shi_Tfng")) == ("Tfng",)
    assert languages.scripts("sr") == ("Cyrl",)
    for code in ("shi", "shi-Arab", "sr-Latn", "zh-Hans"):
        assert languages.scripts(code)[0] == languages.script(code)


def test_codes_need_no_babel() -> None:
    """Only display names load Babel: the store opens without it."""
    program = "import sys; from mtdeep import languages; languages.resolve('zh_CN'); sys.exit('babel' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
