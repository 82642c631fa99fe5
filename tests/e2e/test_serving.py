"""A saved model answers on the command line and over HTTP as it does in Python."""

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import imbench
from imbench.api.serving.files import save
from imbench.api.serving.server import bound
from imbench.errors import ImbenchError
from tests.e2e.conftest import Run, says

N = 200


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    y = np.arange(N) % 5 == 0
    return pd.DataFrame(
        {
            "age": rng.integers(18, 80, N),
            "city": rng.choice(["Kiel", "Ulm"], N),
            "pay": rng.normal(size=N) + y,
            "left": np.where(y, "yes", "no"),
        }
    )


@pytest.fixture(scope="module")
def folder(frame: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    model = imbench.make("random_over+threshold", model="lightgbm").fit(frame, "left")
    return save(model, tmp_path_factory.mktemp("models") / "model", example=frame)


def wait_for(address: str, process: subprocess.Popen) -> None:
    for _ in range(300):
        assert process.poll() is None, "the server has ended"
        try:
            urllib.request.urlopen(f"{address}/ping", timeout=5).close()
            return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError(address)


def post(address: str, body: bytes, kind: str = "application/json") -> tuple[int, dict]:
    request = urllib.request.Request(
        f"{address}/invocations", data=body, headers={"Content-Type": kind}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def split(frame: pd.DataFrame) -> bytes:
    return json.dumps({"dataframe_split": json.loads(frame.to_json(orient="split"))}).encode()


@pytest.fixture(scope="module")
def served(folder: Path):
    words = [sys.executable, "-m", "imbench", "serve", str(folder), "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            address = line.split(" answers at ")[1].split("/invocations")[0]
            wait_for(address, process)
            yield address
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(10)


def test_predict_prints_what_the_model_predicts(
    run: Run, folder: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame.drop(columns="left").to_csv(tmp_path / "new.csv", index=False)
    done = run("predict", str(folder), "new.csv")
    model = imbench.load(folder)
    found = pd.read_csv(io.StringIO(done.out))
    assert done.code == 0
    assert list(found.columns) == ["label", "p_no", "p_yes"]
    assert found["label"].tolist() == model.predict(frame).tolist()
    assert np.array_equal(found[["p_no", "p_yes"]].to_numpy(), model.predict_proba(frame))
    assert done.err == f"threshold: yes where p_yes >= {model.threshold_:.6g}.\n"


def test_predict_counts_cells_that_were_not_fitted(
    run: Run, folder: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame.assign(city="Rom")[:3].to_csv(tmp_path / "new.csv", index=False)
    done = run("predict", str(folder), "new.csv")
    assert done.code == 0
    assert "column 'city': 3 cells hold a category that was not fitted" in done.err


def test_bad_rows_are_refused_in_one_sentence(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("age,city\n3,Ulm\n")
    says(run("predict", str(folder), "new.csv"), "new.csv: column 'pay' is missing")
    (tmp_path / "new.csv").write_text("age,city,pay\nold,Ulm,1\n")
    says(run("predict", str(folder), "new.csv"), "new.csv: column 'age'", "'old'")
    says(run("predict", str(folder), "none.csv"), "none.csv: there is no such file")
    says(run("predict", str(tmp_path), "new.csv"), "is no saved model")
    assert run("predict", str(tmp_path), "new.csv").code == 2


def test_edited_folders_are_refused(run: Run, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "new.csv").write_text("age,city,pay\n3,Ulm,1\n")
    place = shutil.copytree(folder, tmp_path / "edited")
    (place / "data" / "model" / "schema.json").write_text("{}")
    says(run("predict", "edited", "new.csv"), "schema.json changed since the model was saved")


def test_a_new_process_needs_neither_imbench_nor_what_trains(
    folder: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    """The code beside the model is enough, with the packages of requirements.txt."""
    frame.to_parquet(tmp_path / "rows.parquet")
    script = (
        "import sys\n"
        f"sys.path.insert(0, {str(folder / 'code')!r})\n"
        "class Missing:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name in ('torch', 'imblearn', 'mlflow', 'optuna', 'hydra', 'matplotlib'):\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import pandas as pd\n"
        "import imbench\n"
        "from imbench.api.serving.loading import load\n"
        f"model = load({str(folder)!r})\n"
        "model.answers(pd.read_parquet('rows.parquet')).to_parquet('answers.parquet')\n"
        "print(imbench.__file__)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert str(folder) in done.stdout
    found = pd.read_parquet(tmp_path / "answers.parquet")
    model = imbench.load(folder)
    assert np.array_equal(found[["p_no", "p_yes"]].to_numpy(), model.predict_proba(frame))
    assert found["label"].tolist() == model.predict(frame).tolist()


def test_http_answers_are_those_of_predict(served: str, folder: Path, frame: pd.DataFrame) -> None:
    model = imbench.load(folder)
    rows = pd.concat([frame.drop(columns="left")] * (10_000 // N), ignore_index=True)
    status, answer = post(served, split(rows))
    found = pd.DataFrame(answer["predictions"])
    assert status == 200
    assert len(found) == 10_000
    pd.testing.assert_frame_equal(found, model.answers(rows), check_exact=True)
    csv = rows[:5].to_csv(index=False).encode()
    assert post(served, csv, "text/csv")[1]["predictions"] == answer["predictions"][:5]


def test_http_takes_unseen_categories_as_missing(served: str, folder: Path) -> None:
    rows = pd.DataFrame({"age": [30], "city": ["Rom"], "pay": [0.5]})
    status, answer = post(served, split(rows))
    assert status == 200
    assert answer["predictions"] == imbench.load(folder).answers(rows.assign(city=[None])).to_dict(
        "records"
    )
    assert answer["notices"] == [
        "column 'city': 1 cell holds a category that was not fitted; it counts as missing."
    ]
    assert "notices" not in post(served, split(rows.assign(city="Ulm")))[1]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"dataframe_records": [{"age": 30, "city": "Ulm"}]}, "column 'pay' is missing"),
        (
            {"dataframe_records": [{"age": "old", "city": "Ulm", "pay": 1}]},
            "column 'age': 1 of 1 cells is not a number",
        ),
        ({"dataframe_records": [{"age": [1], "city": "Ulm", "pay": 1}]}, "column 'age'"),
        (
            {"dataframe_records": [{"age": 10**400, "city": "Ulm", "pay": 1}]},
            "column 'age': holds a whole number that is too large",
        ),
        ({"dataframe_records": [{"city": "Ulm"}]}, "columns 'age' and 'pay' are missing"),
        (
            {"dataframe_records": [{"age": 3, "city": "Ulm", "pay": 1}, {"city": "Ulm", "pay": 1}]},
            "record 2 has no 'age'",
        ),
        ({"rows": []}, "neither dataframe_records nor dataframe_split"),
        ([1], "it is no object"),
    ],
)
def test_wrong_requests_get_a_sentence(served: str, body: object, words: str) -> None:
    status, answer = post(served, json.dumps(body).encode())
    assert status == 400
    assert words in answer["error"]
    assert answer["error"].endswith(".")


def test_a_port_that_is_taken_is_refused(served: str) -> None:
    with pytest.raises(ImbenchError, match="--port=0 takes a free one"):
        bound(int(served.rsplit(":", 1)[1]))


@pytest.mark.slow
def test_mlflow_serves_the_same(folder: Path, frame: pd.DataFrame, tmp_path: Path) -> None:
    """In an environment without imbench's own source on the path."""
    with bound(0) as listener:
        port = listener.getsockname()[1]
    bin_dir = Path(sys.executable).parent
    words = [bin_dir / "mlflow", "models", "serve", "-m", folder, "--env-manager", "local"]
    process = subprocess.Popen(
        [*map(str, words), "-h", "127.0.0.1", "-p", str(port)],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{bin_dir}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(address, process)
        rows = frame.drop(columns="left")
        status, answer = post(address, split(rows))
        assert status == 200
        expected = imbench.load(folder).answers(rows)
        pd.testing.assert_frame_equal(
            pd.DataFrame(answer["predictions"]), expected, check_exact=True
        )
        assert post(address, split(rows.drop(columns="pay")))[0] == 400
        assert post(address, split(rows.assign(age="old")))[0] == 400
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def test_drift_tells_what_has_changed(
    run: Run, folder: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame.to_csv(tmp_path / "old.csv", index=False)
    frame.assign(pay=frame["pay"] + 3, left="yes").to_csv(tmp_path / "new.csv", index=False)
    words = ("--reference", "old.csv", "--target", "left")
    same = run("drift", str(folder), "old.csv", *words)
    assert same.code == 0
    assert same.out.count("no difference is told") == 2
    assert "metric: the card promises none." in same.out
    changed = run("drift", str(folder), "new.csv", *words).out
    assert changed.count("a difference is told") == 2
    assert "yes 100.00% (was 20.00%)" in changed
    unlabelled = run("drift", str(folder), "new.csv", "--reference", "old.csv").out
    assert "not known without --target" in unlabelled


def test_drift_that_cannot_be_told_is_refused(
    run: Run, folder: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    frame.to_csv(tmp_path / "new.csv", index=False)
    says(run("drift", str(folder), "new.csv"), "no reference", "--reference old.csv")
    words = ("--reference", "new.csv", "--target")
    says(run("drift", str(folder), "new.csv", *words, "lef"), "did you mean 'left'?")
    says(
        run("drift", str(folder), "new.csv", *words, "city"),
        "which is no class of the model",
    )


@pytest.mark.slow
def test_save_is_quiet(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Also in a process that has not imported MLflow before."""
    frame.to_parquet(tmp_path / "rows.parquet")
    script = (
        "import imbench\n"
        "import pandas as pd\n"
        "frame = pd.read_parquet('rows.parquet')\n"
        "imbench.make(model='decision_tree').fit(frame, 'left').save('model')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(imbench.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
