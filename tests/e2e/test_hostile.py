"""Hostile settings, files and environments: a sentence, an exit code, and nothing left behind.

Each is run in this process and goes no further than it must. With the lists of
test_bad_input.py, test_bad_strategies.py and tests/unit/test_reading_cases.py they are more than
220; test_the_lists_are_long_enough counts them.
"""

import ast
import os
from pathlib import Path

import pytest

from imbench.cli import main
from tests.conftest import ROOT
from tests.e2e.conftest import table_words

QUICK = (
    "dataset=synthetic", "model=logistic_regression", "tracking=none", "dataset.n_rows=60",
    "splits.n_splits=2", "results_dir=r",
)  # fmt: skip
BOMB = "x" * 3000

# What is set, and the words that the sentence holds. Every kind of value, for every key.
SETTINGS = [
    ("results_dir=null", "results_dir=null is no path"),
    ("results_dir=", "the working directory", "results_dir=results"),
    ("results_dir='  '", "is empty"),
    ("results_dir=[]", "results_dir=[] is no path"),
    ("results_dir=7", "results_dir=7 is no path"),
    (f"results_dir={'a/' * 2500}", "longer than 4000 bytes"),
    (f"results_dir={'a' * 300}", "results_dir"),
    ("results_dir=/dev/null/x", "results_dir=/dev/null/x"),
    ("tracking=mlflow results_dir=r?x", "question mark", "tracking=none"),
    ("data_dir=[1]", "data_dir=[1] is no path"),
    ("data_dir=true", "data_dir=True is no path", "data_dir=null"),
    ("metrics=[]", "metrics=[]", "metrics=[default]"),
    ("metrics=null", "metrics=null", "metrics=[default]"),
    ("hydra/launcher=submitit_slurm", "hydra/launcher", "executor="),
    ("hydra/launcher=basic", "hydra/launcher", "executor="),
    ("+hydra/launcher=joblib", "hydra/launcher", "executor="),
    ("hydra/sweeper=optuna", "hydra/sweeper", "executor="),
    ("hydra.run.dir=x", "hydra.run.dir", "results_dir="),
    ("hydra.job.chdir=true", "hydra.job.chdir"),
    ("dataset.n_rows=1e12", "dataset.n_rows", "int"),
    ("dataset.n_rows=1000000000000", "n_rows", "at most"),
    ("dataset.n_rows=99999999999999999999999", "n_rows", "at most"),
    ("dataset.n_features=1000000000", "n_features", "at most"),
    ("splits.n_repeats=1000000000", "n_repeats", "at most 10000"),
    ("splits.n_splits=1000000000", "n_splits", "at most 10000"),
    ("splits.n_repeats=9999 splits.n_splits=9999", "100000 folds", "splits.n_repeats=10"),
    ("splits.n_repeats=0", "n_repeats", "1"),
    ("splits.n_repeats=true", "n_repeats", "True"),
    ("splits.n_repeats=1.5", "n_repeats", "1.5"),
    ("splits.n_repeats=null", "n_repeats", "None"),
    ("splits.n_repeats=forever", "n_repeats", "auto"),
    ("splits.n_splits=true", "n_splits"),
    ("splits.min_per_class=0", "min_per_class"),
    ("seed=null", "seed=None"),
    ("seed=", "seed="),
    ("seed=nan", "seed=nan"),
    ("seed=1e400", "seed=inf"),
    ("seed=[1,2]", "seed=[1, 2]"),
    ("seed=true", "seed=True"),
    ("seed=${seed}", "seed: Recursive interpolation"),
    ("seed=${nope}", "seed: Interpolation key 'nope'"),
    ("seed=${oc.env:NOT_SET_ANYWHERE}", "seed: ", "NOT_SET_ANYWHERE"),
    ("device=null", "device=None", "cpu"),
    ("device={}", "device={}"),
    ("device=cuda:99", "device=cuda:99", "cuda"),
    ("budget=", "budget="),
    ("budget=-1", "budget=-1"),
    ("budget=nan", "budget=nan"),
    ("budget=0s", "budget=0s", "above 0"),
    ("budget=1e999s", "budget="),
    ("budget=99999999999999999999", "no unit"),
    ("budget=[1,2]", "budget=[1, 2]"),
    ("n_jobs=0", "n_jobs=0", "auto"),
    ("n_jobs=null", "n_jobs=None"),
    ("n_jobs=1.5", "n_jobs=1.5"),
    ("n_jobs=-2", "n_jobs=-2"),
    ("n_jobs={a:1}", "n_jobs={'a': 1}"),
    ("amp=null", "amp=None"),
    ("amp=1", "amp=1"),
    ("costs=", "costs"),
    ("costs=nan", "costs=nan"),
    ("costs=[1,2]", "costs"),
    ("costs={}", "costs={}"),
    ("costs={'0': -1}", "costs"),
    ("costs={'0': nan}", "costs"),
    ("costs=[[0,1],[1]]", "costs"),
    ("baseline=null", "baseline=None", "auto"),
    ("baseline=[]", "baseline=[]"),
    ("output=null", "output=None", "json"),
    ("output=1e400", "output=inf"),
    ("checks=[]", "checks=[]", "--cfg"),
    ("checks=true", "checks.ignore=True"),
    ("checks.ignore=[x]", "'x' is not a code"),
    ("checks.ignore=7", "checks.ignore=7"),
    ("strategy=null", "strategy=null", "strategy=none"),
    ("strategy=[1,2]", "strategy=[1,2]", "strategy=none"),
    ("strategy=true", "strategy=true"),
    (f"strategy={BOMB}", "strategy=xxx"),
    ("strategy='x\ty'", "no such strategy"),
    ("strategy=../model/mlp", "strategy"),
    ("strategy=/etc/passwd", "strategy"),
    ("model=null", "model=null", "model=mlp"),
    ("model=[]", "model=[]", "model=mlp"),
    ("model=nan", "model=nan"),
    ("dataset=null", "dataset=null", "dataset=digits"),
    ("dataset=[]", "dataset=[]", "dataset=digits"),
    ("dataset=-1", "dataset=-1"),
    ("splits=null", "splits=null", "splits=kfold"),
    ("splits=[]", "splits=[]"),
    ("splits=[kfold,7]", "splits=[kfold,7]"),
    ("tuning=null", "tuning=null", "tuning=none"),
    ("tracking=null", "tracking=null", "tracking=none"),
    ("tracking=[]", "tracking=[]", "tracking=none"),
    ("experiment=[1]", "experiment=[1]"),
    ("decision=1.5", "decision=1.5", "decision=as_is"),
    ("neighbors=null", "neighbors=null", "neighbors=exact"),
    ("dataset.n_rows=-5", "n_rows"),
    ("dataset.ratio=nan", "ratio"),
    ("dataset.weights=[]", "weights"),
    ("dataset.weights=[nan,1]", "weights"),
    ("dataset.n_classes=0", "n_classes"),
    ("dataset.class_sep=nan", "class_sep"),
    ("dataset.label_noise=2", "label_noise"),
    ("dataset.name=../x", "dataset.name='../x'", "folder"),
    ("dataset.name=''", "dataset.name=''"),
    ("dataset._target_=..a", "dataset._target_"),
    ("dataset._target_=null", "dataset._target_"),
    ("dataset._target_=os.path", "dataset._target_"),
    ("model.estimator=null", "model.estimator"),
    ("model.preprocessing=7", "model.preprocessing"),
    ("model.needs=7", "model.needs"),
    ("model.needs=[nothing]", "model.needs"),
    ("metrics.sort=null", "metrics.sort"),
    ("metrics.columns=7", "metrics.columns=7"),
    ("metrics.columns=[nope]", "nope"),
    ("metrics.ece_bins=0", "metrics.ece_bins=0"),
    ("metrics.rope=nan", "metrics.rope"),
    ("metrics.rope=-1", "metrics.rope"),
    ("metrics.k=0", "metrics.k"),
    ("tuning=optuna tuning.trials=0", "trials"),
    ("~seed", "seed"),
    ("~dataset", "dataset"),
    ("=3", "=3"),
    ("===", "==="),
    ("seed", "write key=value"),
    (f"{BOMB}=1", "no such key"),
    (f"seed=[{BOMB}", "cannot read"),
    ("--config-dir=/dev/null", "is not a folder"),
    ("limits=[]", "limits=[]"),
    ("limits.timeout_s=0", "limits.timeout_s"),
    ("limits.timeout_s=soon", "limits.timeout_s"),
    ("limits.memory_gb=-1", "limits.memory_gb"),
    ("limits.memory_gb=nan", "limits.memory_gb"),
    ("+limits.disk_gb=1", "limits.disk_gb", "timeout_s"),
    ("retry=maybe", "retry=maybe"),
    ("executor=slurm", "executor=slurm", "array"),
    ("executor=[]", "executor"),
    ("executor=array", "executor.chunks"),
    ("executor=array executor.chunks=0", "chunks"),
    ("executor=ray executor.num_cpus=0", "num_cpus"),
    ("executor=ray n_jobs=2", "n_jobs=2", "executor.num_cpus"),
    ("executor=ray executor.store=disk", "store"),
]  # fmt: skip


@pytest.fixture
def quiet_folder(tmp_path, monkeypatch):
    """A working directory with a results folder of another name, and a look at what is in it."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def sentence(words, capsys, code=2):
    """Run a command; return the one line that it says on standard error."""
    assert main(list(words)) == code
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err + captured.out
    lines = captured.err.splitlines()
    assert len(lines) == 1, captured.err
    assert lines[0].startswith("imbench: ")
    assert lines[0].isprintable()
    assert len(lines[0]) < 1500
    return lines[0]


@pytest.mark.parametrize("case", SETTINGS, ids=lambda case: case[0][:40])
def test_a_hostile_setting_is_one_sentence(case, quiet_folder, capsys):
    setting, *parts = case
    words = [setting] if "  " in setting or "': " in setting else setting.split(" ")
    line = sentence([*QUICK, *words], capsys)
    for part in parts:
        assert part in line
    assert not list(quiet_folder.glob("r/runs/*/*"))
    assert {p.name for p in quiet_folder.iterdir()} <= {"r"}


NAMES = ["\x1b[31m", "a\nb", "\u202eb", "\x07", "\udcff", "\x00"]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
@pytest.mark.parametrize("form", ["{}=1", "seed={}", "strategy={}", "--config-dir={}", "device={}"])
def test_what_acts_on_a_terminal_is_escaped(form, name, quiet_folder, capsys):
    assert main([*QUICK, form.format(name)]) == 2
    err = capsys.readouterr().err
    assert "Traceback" not in err
    assert all(line.isprintable() for line in err.splitlines())


def test_class_and_column_names_are_escaped_in_every_output(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    odd = ("\x1b[31mno", "y\u202ees")
    rows = [f'{i % 7},{i % 5},"{odd[i % 3 == 0]}"' for i in range(30)]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(['a\x1b[2J,b\x9b,"target"', *rows]) + "\n", encoding="utf-8")
    words = [*table_words(path, "splits.n_splits=2", "results_dir=r", "tracking=none")]
    for more in ((), ("output=json",)):
        assert main([*words, "-m", "strategy=none,inverse_weights", *more]) == 0
        captured = capsys.readouterr()
        text = captured.out + captured.err
        assert not {"\x1b", "\u202e", "\x9b"} & set(captured.err)
        assert "\x1b" not in text
    assert main(["check", str(path), "--target", "target"]) in (0, 1)
    captured = capsys.readouterr()
    assert not {"\x1b", "\u202e", "\x9b"} & set(captured.out + captured.err)


ENVIRONMENTS = [
    ({"IMBENCH_RESULTS": "/dev/null/x"}, 2, "IMBENCH_RESULTS"),
    ({"IMBENCH_RESULTS": ""}, 2, "results_dir= is empty"),
    ({"IMBENCH_DATA": "/dev/null"}, 2, "data_dir"),
    ({"IMBENCH_DATA": "/nowhere"}, 2, "data_dir"),
]


@pytest.mark.parametrize(("names", "code", "part"), ENVIRONMENTS, ids=lambda v: str(v)[:40])
def test_a_hostile_environment_is_one_sentence(
    names, code, part, quiet_folder, capsys, monkeypatch
):
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    words = [word for word in QUICK if not word.startswith("results_dir")]
    if "IMBENCH_DATA" in names:
        words = ["dataset=table", "dataset.path=x.csv", "dataset.target=y", "tracking=none"]
    assert part in sentence(words, capsys, code)
    assert list(quiet_folder.iterdir()) == [] or "IMBENCH_DATA" in names


HARMLESS = [
    {"OMP_NUM_THREADS": "abc"}, {"COLUMNS": "abc"}, {"COLUMNS": "1"}, {"TERM": "dumb"},
    {"HOME": ""}, {"HOME": "/nowhere"}, {"TMPDIR": "/nowhere"}, {"MPLBACKEND": "none"},
    {"LANG": "C", "LC_ALL": "C"}, {"TZ": "Nowhere/Nothing"},
]  # fmt: skip


@pytest.mark.parametrize("names", HARMLESS, ids=str)
def test_an_odd_environment_changes_nothing(names, quiet_folder, capsys, monkeypatch):
    for name, value in names.items():
        monkeypatch.setenv(name, value)
    assert main([*QUICK, "--cfg"]) == 0
    assert main(["list", "models"]) == 0
    assert capsys.readouterr().err == ""


def fifo(path):
    if not hasattr(os, "mkfifo"):
        pytest.skip("this system has no fifos")
    os.mkfifo(path)


def unsearchable(path):
    path.symlink_to(path)


FILES = {
    "fifo": fifo,
    "loop": unsearchable,
    "dangling": lambda path: path.symlink_to("/nowhere"),
    "folder": lambda path: path.mkdir(),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "null": lambda path: path.symlink_to("/dev/null"),
    "zeros": lambda path: path.write_bytes(b"\0" * 5000),
    "noise": lambda path: path.write_bytes(bytes(range(256)) * 40),
    "one-line": lambda path: path.write_text("a,b,target"),
    "blank": lambda path: path.write_text("\n" * 500),
    "quote": lambda path: path.write_text('a,b,target\n1,2,"' + "x" * 100_000),
    "ragged": lambda path: path.write_text("a,b,target\n1,2,x\n1,2,3,4,y\n" * 9),
    "same-names": lambda path: path.write_text("a,a,target\n1,2,x\n3,4,y\n" * 9),
    "one-class": lambda path: path.write_text("a,b,target\n" + "1,2,x\n" * 30),
    "all-missing": lambda path: path.write_text("a,b,target\n" + "1,2,\n" * 30),
    "utf-16-half": lambda path: path.write_bytes("a,b,target\n1,2,x\n".encode("utf-16")[:-3]),
    "html": lambda path: path.write_text("<html><body>404</body></html>"),
    "pickle": lambda path: path.write_bytes(b"\x80\x04cos\nsystem\n(S'touch pwned'\ntR."),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".csv.gz", ".xlsx"])
def test_a_hostile_file_is_one_sentence(kind, suffix, quiet_folder, capsys):
    if suffix != ".csv" and kind not in ("fifo", "zeros", "noise", "device", "pickle"):
        pytest.skip("a text of this kind is damaged like any other")
    path = quiet_folder / f"t{suffix}"
    FILES[kind](path)
    assert "dataset." in sentence([*table_words(path), "results_dir=r", "tracking=none"], capsys)
    assert not (quiet_folder / "pwned").exists()


def test_a_model_that_changes_the_directory_moves_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "away").mkdir()
    (tmp_path / "wanderer.py").write_text(
        "import os\nfrom sklearn.dummy import DummyClassifier\n\nos.chdir('away')\n\n"
        "class Wanderer(DummyClassifier):\n"
        "    def fit(self, X, y):\n        os.chdir('/')\n        return super().fit(X, y)\n"
    )
    words = [w for w in QUICK if not w.startswith("model")]
    code = main([*words, "model=own", "model.estimator._target_=wanderer.Wanderer"])
    assert code == 0, capsys.readouterr().err
    assert Path.cwd() == tmp_path
    assert len(list(tmp_path.glob("r/runs/*/r0-f*.json"))) == 2
    assert list((tmp_path / "away").iterdir()) == []


def test_a_working_directory_that_was_removed_is_one_sentence(tmp_path, capsys, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    try:
        assert "working directory" in sentence(["seed=1"], capsys)
    finally:
        os.chdir(ROOT)


def test_a_pickle_among_results_is_not_opened(quiet_folder, capsys):
    assert main([*QUICK, "output=json"]) == 0
    capsys.readouterr()
    bad = f"cos\nsystem\n(S'touch {quiet_folder}/pwned'\ntR.".encode()
    for path in (p for p in quiet_folder.rglob("*") if p.is_file()):
        for name in ("x.pkl", "x.joblib", f"{path.stem}.npz", f"{path.stem}.npy"):
            (path.parent / name).write_bytes(bad)
    for words in (["report", "r/runs"], ["audit", "r/runs"], [*QUICK, "output=json"]):
        main(words)
        assert "Traceback" not in capsys.readouterr().err
    assert not (quiet_folder / "pwned").exists()


def test_servers_listen_on_loopback_only():
    from imbench.api.serving import server
    from imbench.cli import ui_command

    assert server.HOST == ui_command.HOST == "127.0.0.1"
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "imbench").rglob("*.py"))
    assert not [text for text in sources if '"0.0.0.0"' in text or "'0.0.0.0'" in text]


def test_the_lists_are_long_enough():
    """Bad inputs: those here, and those of the other lists, which are counted in their source."""
    here = len(SETTINGS) + len(NAMES) * 5 + len(ENVIRONMENTS) + len(HARMLESS) + len(FILES)
    others = 0
    for name in ("e2e/test_bad_input.py", "e2e/test_bad_strategies.py"):
        tree = ast.parse((ROOT / "tests" / name).read_text(encoding="utf-8"))
        tests = [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef)]
        others += sum(node.name.startswith("test_") for node in tests)
    assert here + others >= 220
