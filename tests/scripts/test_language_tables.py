"""How the table of scripts is made, and what the rule `language` is measured with, on a few lines of each input."""

from __future__ import annotations

import gzip
import importlib.util
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

SCRIPTS = Path(__file__).parents[2] / "scripts"
PRIMARY = {"hi": ["Deva"], "crh": ["Cyrl"], "sr": ["Cyrl", "Latn"], "ckb": ["Arab"], "uz": ["Latn", "Cyrl"]}
SECONDARY = {"uz": ["Arab"], "bn": ["Latn"], "ky": ["Arab", "Latn"]}
LIKELY = {
    "hi": "Deva",
    "crh": "Cyrl",
    "sr": "Cyrl",
    "ckb": "Arab",
    "uz": "Latn",
    "ota": "Arab",
    "ky": "Cyrl",
    "xx": "Brai",
}
LANGTAGS = """\
Lang_Id,likely_subtag,obsolete,deprecated
crh,crh-Cyrl-UA,,
crh-Latn,crh-Latn-UA,,
crh-Arab,crh-Arab-UZ,1,
ckb-Latn,ckb-Latn-IR,,
hi-Latn,hi-Latn-IN,,
acu,acu-Latn-EC,,
"""


def printed(script: str, *arguments: str | Path) -> str:
    spec = importlib.util.spec_from_file_location(script, SCRIPTS / f"{script}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    result = CliRunner().invoke(module.app, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def sources(tmp_path: Path) -> list[Path]:
    supplemental = tmp_path / "cldr" / "supplemental"
    supplemental.mkdir(parents=True)
    uses = {code: {"_scripts": scripts} for code, scripts in PRIMARY.items()}
    uses |= {f"{code}-alt-secondary": {"_scripts": scripts} for code, scripts in SECONDARY.items()}
    contents = {
        "cldr/supplemental/languageData.json": {"supplemental": {"languageData": uses}},
        "cldr/supplemental/likelySubtags.json": {
            "supplemental": {"likelySubtags": {code: f"{code}-{script}-ZZ" for code, script in LIKELY.items()}}
        },
        "cldr/coverageLevels.json": {"effectiveCoverageLevels": {"uz-Cyrl": "basic", "ky": "modern"}},
        "registry.json": [{"Subtag": "hi", "Suppress-Script": "Deva"}, {"Subtag": "uz"}],
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(json.dumps(content), encoding="utf-8")
    (tmp_path / "langtags.csv").write_text(LANGTAGS, encoding="utf-8")
    (tmp_path / "iso.js").write_text("{ type: 'historical',\n iso6393: 'ota' }, { type: 'living',\n iso6393: 'crh' }")
    (tmp_path / "columns.txt").write_text("ckb_Arab srp_Cyrl srp-Latn eng", encoding="utf-8")
    return [tmp_path / name for name in ("cldr", "langtags.csv", "registry.json", "iso.js", "columns.txt")]


def test_scripts_of_languages(sources: list[Path]) -> None:
    rows = [line.split("\t") for line in printed("language_scripts", *sources).splitlines()[1:]]
    assert {language: scripts for scripts, languages in rows for language in languages.split()} == {
        "hi": "Deva",  # IANA's word
        "sr": "Cyrl",  # a column for each script
        "ckb": "Arab",  # a column: without what SIL alone has
        "uz": "Latn Arab Cyrl",  # a locale: CLDR's
        "ky": "Cyrl Arab",  # without the romanisation
        "crh": "Cyrl Latn",  # all that is not obsolete
        "ota": "Arab Latn",  # dead
        "acu": "Latn",
        "bn": "Latn",  # nothing better is known here
    }


def test_what_the_rule_language_rejects_and_lets_pass(tmp_path: Path) -> None:
    texts = {
        "eng": "The committee will meet again on Thursday to discuss the budget.",
        "deu": "Der Ausschuss wird am Donnerstag erneut über den Haushalt beraten.",
        "bod": "ཚོགས་ཆུང་གིས་རེས་གཟའ་ཕུར་བུར་ཡང་བསྐྱར་ཚོགས་འདུ་ཚོགས་རྒྱུ་རེད།",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.txt.gz").write_bytes(gzip.compress(f"{text}\n\n{text}\n".encode()))
    output = printed("language_rule", tmp_path)
    assert "rejected, min 0.02, of 2 files in languages that py3langid knows" in output
    assert "/deu | de | 0.00% |" in output
    assert "| median | | 0.00% |" in output
    assert "let pass of text in languages that py3langid knows: 0.00% of 2" in output
