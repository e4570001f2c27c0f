"""Nothing that decides a result is missing in its key: rules with their defaults, readers' options, versions.

A `work` folder that stays gives what an empty one gives, whatever was changed in between.
"""

from __future__ import annotations

import ast
import hashlib
import pkgutil
import shutil
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from data_prep import stages
from data_prep.batch import Batch
from data_prep.cleaning import settings
from data_prep.cleaning.cleaner import Cleaned, Cleaner
from data_prep.cleaning.identifiers import DISTRIBUTIONS
from data_prep.cleaning.language import Language
from data_prep.cleaning.settings import BUILT_IN_VALUES, RULES, CleaningSettings
from data_prep.engine import libraries
from data_prep.engine.libraries import TABLES, UNICODE
from data_prep.engine.pool import Pool
from data_prep.engine.task import Result, Step, Task
from data_prep.prepare import prepare
from data_prep.readers.moses_zip import MosesZip
from data_prep.readers.source import Source
from data_prep.sources import READERS
from data_prep.stages.read import reading_libraries
from mtdeep.corpus.store import Store

CONFIG = """\
store: store
work: work
vocabulary: {size: 60}
corpora:
  - name: talks
    reader: plain_text
    languages: [en, de]
    splits: {train: "talks.{language}", valid: "valid.{language}"}
    deduplicate: near
"""
NOUNS = {
    "en": ("garden", "window", "forest", "river", "teacher", "doctor", "letter", "table"),
    "de": ("Garten", "Balkon", "Wald", "Fluss", "Lehrer", "Arzt", "Brief", "Tisch"),
}
SENTENCES = {
    "en": "The {} of my father is much older than the {} of your brother and the {} of our sister",
    "de": "Der {} meines Vaters ist viel älter als der {} deines Bruders und der {} unserer Schwester",
}
DIGITS = {"en": "In {:020} we saw the {} together", "de": "Im Jahr {:020} sahen wir den {} zusammen"}
CLEANING = {"regex", "langcodes", TABLES, "ftfy", "py3langid"}
SIGNING = {"rensa", "langcodes", TABLES, UNICODE}
LIBRARIES = {
    "read": set(),
    "clean": {"sentencepiece", UNICODE} | CLEANING,
    "index": SIGNING,
    "leaks": SIGNING,
    "repeats": set(),
    "sign": SIGNING,
    "near_repeats": set(),
    "select": set(),
    "sample": set(),
    "learn": {"sentencepiece", UNICODE},
    "encode": {"sentencepiece"},
}
"""Step -> the libraries in the keys of its tasks for training text."""
MADE_FROM = {
    "read": set(),
    "clean": {"read"},
    "index": set(),
    "leaks": {"clean", "index"},
    "repeats": {"leaks"},
    "sign": {"clean"},
    "near_repeats": {"leaks", "sign"},
    "select": {"repeats", "near_repeats"},
    "sample": {"select"},
    "learn": {"sample"},
    "encode": {"clean", "learn"},
}
"""Step -> those whose results its tasks for training text read."""
UNCLEANED = {"sentencepiece", UNICODE}
"""The libraries of scored text, which no rule looks at; the index is made from it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Text of which every fifth row has many digits: more than a fifth of a sentence's characters, at most half."""
    for name, count, first in (("talks", 60, 0), ("valid", 5, 2)):
        for code, nouns in NOUNS.items():
            rows = [
                DIGITS[code].format(i, nouns[i % 8])
                if i % 5 == 4
                else SENTENCES[code].format(nouns[i % 8], nouns[i // 8 % 8], nouns[(i + 3 + first) % 8])
                for i in range(count)
            ]
            (tmp_path / f"{name}.{code}").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    (tmp_path / "config.yaml").write_text(CONFIG)
    return tmp_path


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> list[Task]:
    """Tasks of all steps that any pool is given."""
    found: list[Task] = []
    run = Pool.run

    def noted(self: Pool, stage: str, given: Sequence[Task]) -> list[Result]:
        found.extend(given)
        return run(self, stage, given)

    monkeypatch.setattr(Pool, "run", noted)
    return found


def keys(tasks: Sequence[Task]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for task in tasks:
        found.setdefault(task.step.name, set()).add(task.key)
    return found


def content(store: Path) -> dict[str, str]:
    """Return the digests of a store's files but for the report, whose pictures need not be equal."""
    return {str(path.relative_to(store)): hashlib.md5(path.read_bytes()).hexdigest()
            for path in sorted(store.rglob("*")) if path.is_file() and "report" not in path.parts}  # fmt: skip


def other_version(monkeypatch: pytest.MonkeyPatch, changed: str) -> None:
    version = libraries.version
    monkeypatch.setattr(libraries, "version", lambda library: "9.9" if library == changed else version(library))


def test_a_step_has_the_versions_of_what_it_uses_and_no_others(folder: Path, tasks: list[Task]) -> None:
    prepare(folder / "config.yaml", None)
    assert {task.step.name: set(task.versions) for task in tasks if "valid" not in task.name} == LIBRARIES
    uncleaned = next(task for task in tasks if task.step.name == "clean" and "valid" in task.name)
    assert set(uncleaned.versions) == UNCLEANED


@pytest.mark.slow
def test_another_version_changes_the_keys_of_what_uses_it_or_is_made_from_that(
    folder: Path, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    def captured() -> dict[str, set[str]]:
        tasks.clear()
        prepare(folder / "config.yaml", None, overwrite=True)
        return keys([task for task in tasks if "valid" not in task.name])

    before = captured()
    for library in sorted(set().union(*LIBRARIES.values())):
        with monkeypatch.context() as other:
            other_version(other, library)
            after = captured()
        assert before.keys() == after.keys() == LIBRARIES.keys()
        expected = affected(library)
        assert {step for step in before if before[step].isdisjoint(after[step])} == expected, library
        assert {step for step in before if before[step] != after[step]} == expected, library


def affected(library: str) -> set[str]:
    """Return the steps that use a library, and those that read their results, and so on."""
    found = {step for step, uses in LIBRARIES.items() if library in uses}
    found |= {"index"} if library in UNCLEANED else set()
    while more := {step for step, earlier in MADE_FROM.items() if earlier & found} - found:
        found |= more
    return found


@pytest.mark.parametrize(("rule", "key"), list(BUILT_IN_VALUES), ids=[".".join(key) for key in BUILT_IN_VALUES])
def test_every_default_of_every_rule_is_in_the_key(rule: str, key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def decided() -> list[Any]:
        return Cleaner(CleaningSettings(), "a", ("en", "de")).decided()

    before = decided()
    value = BUILT_IN_VALUES[rule, key]
    monkeypatch.setitem(BUILT_IN_VALUES, (rule, key), another(rule, key, value))  # type: ignore[arg-type]
    assert decided() != before


def another(rule: str, key: str, value: Any) -> Any:
    """Return a value that a key may have and does not have."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value / 2 if key == "min" else value + 1
        case tuple():
            return (*value, "nfkc") if not rule or key == "" else ("Latn", "Cyrl")
        case str():
            return {"py3langid": "fasttext"}[value]
    return {"model": "lid.176.bin", "min": -1.0, "max": 1e9, "factor": 2.0}[key]


@pytest.mark.parametrize("name", RULES)
def test_a_rule_names_the_libraries_that_its_module_imports(name: str) -> None:
    rule = RULES[name]()
    known = set(settings.LIBRARIES) | {"ftfy", "py3langid"}
    imported = set(third_party(type(rule).__module__, ("data_prep.cleaning",))) & known
    if isinstance(rule, Language):
        imported.add("py3langid")  # imported by those who ask for it
        for identifier, installed in DISTRIBUTIONS.items():
            model = "lid.bin" if identifier == "fasttext" else None
            assert Language(identifier=identifier, model=model).used_libraries == (installed,)
    assert imported - set(settings.LIBRARIES) == set(rule.used_libraries)


@pytest.mark.parametrize("name", READERS)
def test_a_reader_names_the_libraries_that_its_modules_import(name: str) -> None:
    reader = READERS[name]
    own = ("data_prep.readers", "mtdeep.languages", "mtdeep.corpus.subwords")
    known = {"lxml", "polib", "pyarrow", "babel", "langcodes", "sentencepiece", UNICODE}
    imported = set(third_party(reader.__module__, own)) & known
    if name == "store":
        imported.add("sentencepiece")  # by the store, once it is asked for text
    if "langcodes" in imported:
        imported.add(TABLES)
    assert imported - {"babel"} == set(reader.libraries) - {"babel"}
    assert ("babel" in reader.libraries) == (name == "cldr")  # others: for names in messages alone


STAGES = [stage.name for stage in pkgutil.iter_modules(stages.__path__, "data_prep.stages.")]
BY_SETTINGS: Mapping[str, set[str]] = {
    "data_prep.stages.learn": {"regex", TABLES, UNICODE},  # `learning_libraries`
    "data_prep.stages.leaks": SIGNING,  # where near ones are asked for
    "data_prep.stages.leak_search": SIGNING | {"sentencepiece"},
}
"""Stage -> what its tasks name beside its steps, for settings that ask for it."""
OWN = (
    *("data_prep.duplicates", "data_prep.vocabulary", "data_prep.coverage", "mtdeep.languages", "mtdeep.families"),
    *("mtdeep.corpus.subwords", "mtdeep.corpus.blocks"),
)


@pytest.mark.parametrize("name", STAGES)
def test_a_step_names_the_libraries_that_its_modules_import(name: str) -> None:
    """What the rules import is another test's, and what a chunk's text is counted with decides no text."""
    steps = [step for step in vars(import_module(name)).values() if isinstance(step, Step)]
    known = {"rensa", "langcodes", "sentencepiece", "regex", "ftfy", "py3langid", "zstandard", UNICODE}
    imported = set(third_party(name, OWN)) & known
    if "langcodes" in imported:
        imported.add(TABLES)
    assert imported <= {library for step in steps for library in step.libraries} | BY_SETTINGS.get(name, set())


def third_party(module: str, own: tuple[str, ...], seen: set[str] | None = None) -> Iterator[str]:
    """Yield what a module imports, and what those of *own* packages do that it imports."""
    seen = set() if seen is None else seen
    if module in seen:
        return
    seen.add(module)
    spec = find_spec(module)
    assert spec is not None and spec.origin is not None
    for node in ast.walk(ast.parse(Path(spec.origin).read_text(encoding="utf-8"))):
        for name in imports(node):
            if name.startswith(own):
                yield from third_party(name, own, seen)
            else:
                yield {"unicodedata": UNICODE}.get(name, name.split(".")[0])


def imports(node: ast.AST) -> list[str]:
    match node:
        case ast.Import():
            return [alias.name for alias in node.names]
        case ast.ImportFrom(module=str(module)):
            return [module]
    return []


def test_options_of_readers_and_compressed_files_are_in_the_key(folder: Path, tasks: list[Task]) -> None:
    """An option that nobody gives is there with its default."""
    import zstandard

    for code in ("en", "de"):
        path = folder / f"valid.{code}"
        path.write_bytes(zstandard.compress(path.read_bytes()))
    prepare(folder / "config.yaml", None)
    read = {task.name: task for task in tasks if task.step.name == "read"}
    reader: type[Source] = READERS["plain_text"]
    options = {field.name for field in fields(reader)}  # type: ignore[arg-type]
    assert set(read["talks, train"].content["options"]) == options
    assert (set(read["talks, train"].versions), set(read["talks, valid"].versions)) == (set(), {"zstandard"})


def test_what_decompresses_members_of_an_archive_is_in_the_key(tmp_path: Path) -> None:
    import zstandard

    for name, packed in (("plain", False), ("packed", True)):
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as archive:
            for code in ("de", "en"):
                text = f"{code}\n".encode()
                archive.writestr(f"a.{code}", zstandard.compress(text) if packed else text)
    (tmp_path / "damaged.zip").write_bytes((tmp_path / "packed.zip").read_bytes()[:40])
    found = {
        name: set(reading_libraries(MosesZip(tmp_path / f"{name}.zip", ("de", "en"))))
        for name in ("plain", "packed", "damaged")
    }
    languages = {"langcodes", TABLES}
    assert found == {"plain": languages, "packed": {*languages, "zstandard"}, "damaged": {*languages, "zstandard"}}


class Counted(Cleaner):
    calls = 0

    def __call__(self, batch: Batch) -> Cleaned:
        Counted.calls += 1
        return super().__call__(batch)


def from_nothing(folder: Path) -> Mapping[str, str]:
    """Return what a store has that was made without any work of an earlier run."""
    text = (folder / "config.yaml").read_text()
    (folder / "fresh.yaml").write_text(text.replace("store: store\nwork: work", "store: fresh"))
    return content(prepare(folder / "fresh.yaml", None, overwrite=True).store.path)


def test_a_kept_work_folder_after_a_default_has_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare(folder / "config.yaml", None)
    before = Store(folder / "store").corpora("train")[0].rows
    monkeypatch.setitem(BUILT_IN_VALUES, ("digits", "max"), 0.2)  # type: ignore[arg-type]
    store = prepare(folder / "config.yaml", None, overwrite=True).store
    assert store.corpora("train")[0].rows < before - 8
    assert content(store.path) == from_nothing(folder)


def test_a_kept_work_folder_after_a_library_has_changed(
    folder: Path, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data_prep.pipeline.cleaned.Cleaner", Counted)
    prepare(folder / "config.yaml", None)
    assert Counted.calls == 1
    before = keys(tasks)
    tasks.clear()
    other_version(monkeypatch, "py3langid")
    store = prepare(folder / "config.yaml", None, overwrite=True).store
    assert Counted.calls == 2 and keys(tasks)["read"] == before["read"]
    assert store.manifest.provenance["versions"]["py3langid"] == "9.9"


def test_another_model_of_the_identifier_under_the_same_name(
    folder: Path, tasks: list[Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fastText model is known by its bytes; no fastText is needed, since its answers are."""

    class Always:
        languages = frozenset({"en", "de"})

        def probabilities(self, texts: Sequence[str], languages: frozenset[str]) -> Any:
            import numpy as np

            return np.ones(len(texts))

    for module in ("data_prep.cleaning.language", "data_prep.pipeline.cleaned"):
        monkeypatch.setattr(f"{module}.identifier", lambda name, model: Always())
    model = folder / "lid.bin"
    rules = f"cleaning: {{default: {{language: {{identifier: fasttext, model: {model}}}}}}}\ncorpora:"
    (folder / "config.yaml").write_text(CONFIG.replace("corpora:", rules))
    found = []
    for data in (b"one", b"two"):
        model.write_bytes(data)
        store = prepare(folder / "config.yaml", None, overwrite=True).store
        found.append({task.key for task in tasks if task.step.name == "clean" and "train" in task.name})
        assert store.manifest.provenance["inputs"]["identifier/0"]["file"] == "lid.bin"
        tasks.clear()
    assert not found[0] & found[1]


@pytest.mark.parametrize("written", ["models/lid.bin", "${MODELS}/lid.bin"])
def test_the_path_of_a_model_is_relative_to_the_configuration(
    folder: Path, written: str, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As all others are, wherever the command is started; the store has it as it is written."""
    asked: set[str | None] = set()

    class Always:
        languages = frozenset({"en", "de"})

        def probabilities(self, texts: Sequence[str], groups: Any) -> Any:
            return [[1.0] * len(texts) for _ in groups]

    def identifier(name: str, model: str | None) -> Always:
        asked.add(model)
        return Always()

    for module in ("data_prep.cleaning.language", "data_prep.pipeline.cleaned"):
        monkeypatch.setattr(f"{module}.identifier", identifier)
    monkeypatch.setenv("MODELS", "models")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    (folder / "models").mkdir()
    (folder / "models" / "lid.bin").write_bytes(b"one")
    rules = f"cleaning: {{languages: {{de: {{language: {{identifier: fasttext, model: '{written}'}}}}}}}}\ncorpora:"
    (folder / "config.yaml").write_text(CONFIG.replace("corpora:", rules))
    store = prepare(folder / "config.yaml", None, overwrite=True).store
    provenance = store.manifest.provenance
    assert asked == {None, str(folder / "models" / "lid.bin")}
    assert provenance["inputs"]["identifier/0"]["file"] == "lid.bin"
    assert provenance["settings"]["cleaning"]["languages"]["de"]["language"]["model"] == written
    moved = tmp_path_factory.mktemp("moved")
    shutil.copytree(folder, moved, dirs_exist_ok=True, ignore=shutil.ignore_patterns("store*"))
    assert prepare(moved / "config.yaml", None).store.digest == store.digest
