"""`imbench doctor`: what is there, what is missing, and one line on how to mend it."""

import http.server
import importlib.metadata
import os
import sqlite3
import subprocess
import sys
import threading

import pytest
from packaging.requirements import Requirement

from imbench.cli import doctor_places, doctor_system, installed, main
from imbench.cli.finding import Finding
from tests.conftest import ROOT

BROKEN = "BROKEN: "


@pytest.fixture
def doctor(tmp_path, monkeypatch, capsys):
    """Run the command with a results folder of its own; return exit code and lines."""
    monkeypatch.setenv("IMBENCH_RESULTS", str(tmp_path / "results"))

    def run(*words):
        code = main(["doctor", *words])
        captured = capsys.readouterr()
        assert captured.err == ""
        return code, captured.out

    return run


def test_a_sound_machine_is_told_topic_by_topic_in_80_columns(doctor, monkeypatch):
    monkeypatch.setenv("IMBENCH_RESULTS", "results")  # the path of a test may be long
    monkeypatch.setenv("IMBENCH_CACHE", "cache")
    code, text = doctor()
    lines = text.splitlines()
    assert code == 0
    topics = [line.split()[0] for line in lines if not line.startswith(" ")]
    order = "imbench packages extras cores memory gpu data results cache mlflow Nothing"
    wanted = order.split()
    assert [topic for topic in topics if topic in wanted] == wanted
    assert max(map(len, lines)) <= 80
    assert f"torch {importlib.metadata.version('torch')}" in text
    assert lines[-1] == "Nothing that is needed is missing."


def test_it_writes_nothing(doctor, tmp_path, monkeypatch):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path / "cache"))
    doctor()
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_is_told_with_the_data_sets_in_it(doctor, tmp_path):
    data = tmp_path / "data"
    for name in ("keel/a.dat", "keel/b.dat", "csv/telco-customer-churn.csv", "MNIST/raw/x"):
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert doctor_places.data_sets(data) == ["keel (2 tables)", "mnist", "telco_churn"]
    code, text = doctor(f"data_dir={data}")
    assert code == 0
    assert "keel (2 tables)" in text


def test_a_data_folder_that_is_not_there_is_broken(doctor, tmp_path):
    code, text = doctor(f"data_dir={tmp_path / 'no'}")
    assert code == 1
    assert f"data        {BROKEN}" in text
    assert "-> set data_dir= or IMBENCH_DATA" in text
    assert text.splitlines()[-1] == "1 broken: see above."


def test_results_are_counted_and_verify_is_named(doctor, tmp_path):
    for name in ("one", "two"):
        (tmp_path / "results" / "runs" / name).mkdir(parents=True)
    code, text = doctor()
    assert code == 0
    assert "2 cells" in text
    assert "python -m imbench verify" in text


def test_a_results_folder_that_cannot_be_written_is_broken(doctor, tmp_path):
    (tmp_path / "file").write_text("")
    code, text = doctor(f"results_dir={tmp_path / 'file' / 'results'}", "tracking=none")
    assert code == 1
    assert "cannot be written" in text


def test_a_full_disk_and_little_memory_are_told(doctor, monkeypatch):
    monkeypatch.setattr(doctor_places, "LITTLE", 2**60)
    monkeypatch.setattr(doctor_system, "LITTLE", 2**60)
    code, text = doctor()
    assert code == 0
    assert "-> make room" in text
    assert "n_jobs=1" in text


def test_the_size_of_the_cache_is_told(doctor, tmp_path, monkeypatch):
    monkeypatch.setenv("IMBENCH_CACHE", str(tmp_path))
    (tmp_path / "datasets").mkdir()
    (tmp_path / "datasets" / "a.npz").write_bytes(bytes(3 * 2**20))
    assert "3.0 MiB" in " ".join(doctor()[1].split())


def test_a_store_that_is_damaged_is_broken_and_sync_mends_it(doctor, tmp_path):
    (tmp_path / "results").mkdir()
    store = tmp_path / "results" / "mlflow.db"
    store.write_bytes(b"no database" * 1000)
    code, text = doctor()
    assert code == 1
    assert "mlflow      BROKEN" in text
    assert "python -m imbench sync" in text
    store.unlink()
    with sqlite3.connect(store) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.close()
    code, text = doctor()
    assert code == 0
    assert "answers" in text


@pytest.mark.process
@pytest.mark.parametrize(("status", "code"), [(200, 0), (401, 0), (500, 1)])
def test_a_server_is_asked_and_its_password_is_not_shown(doctor, status, code):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.end_headers()

        def log_message(self, *words):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        uri = f"http://me:secret@127.0.0.1:{server.server_port}"
        found, text = doctor(f"tracking.uri={uri}")
        server.shutdown()
    assert found == code
    assert "secret" not in text
    assert ("answers" if code == 0 else "error 500") in text


@pytest.mark.process
def test_a_server_that_does_not_answer_is_broken(doctor):
    for uri in ("http://127.0.0.1:9", "postgresql://me:secret@127.0.0.1:9/runs"):
        code, text = doctor(f"tracking.uri={uri}")
        assert code == 1
        assert "nothing answers there" in " ".join(text.split())
        assert "secret" not in text


def test_an_address_that_mlflow_does_not_take_is_broken(doctor):
    code, text = doctor("tracking.uri=mlruns")
    assert code == 1
    assert "no longer in plain files" in " ".join(text.split())


def test_without_mlflow_the_extra_is_named_and_nothing_is_broken(doctor, monkeypatch):
    monkeypatch.setattr(doctor_places, "version_of", lambda name: "")
    code, text = doctor()
    assert code == 0
    assert "-> pip install 'imbench[mlflow]'" in text


def test_a_missing_extra_is_one_line_and_a_missing_package_is_broken(doctor, monkeypatch):
    wanted = ["no-such-package>=2"], {"xlsx": [], "odd": [Requirement("no-such-thing")]}

    def requirements(names):
        return lambda: (list(map(Requirement, names)), wanted[1])

    monkeypatch.setattr(installed, "requirements", requirements([]))
    code, text = doctor()
    assert code == 0
    assert "odd: without no-such-thing\n            -> pip install 'imbench[odd]'" in text
    monkeypatch.setattr(installed, "requirements", requirements(wanted[0]))
    code, text = doctor()
    assert code == 1
    assert "-> pip install 'no-such-package>=2'" in text
    assert "mlflow " not in text  # the rest needs the packages


def test_imbench_in_a_folder_without_an_installation_is_told(doctor, monkeypatch):
    def missing(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "distribution", missing)
    code, text = doctor()
    assert code == 1
    assert "is not installed" in text


def test_another_version_is_unmet_and_a_stand_in_is_not():
    assert installed.unmet([Requirement("numpy<1")]) == ["numpy<1"]
    assert installed.unmet([Requirement("numpy>=1")]) == []
    assert installed.INSTEAD["xgboost-cpu"] == "xgboost"


@pytest.mark.parametrize("word", ["dataset=mnist", "results", "seed=1"])
def test_other_words_are_one_sentence_and_exit_code_two(word, capsys):
    assert main(["doctor", word]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"imbench: doctor {word}: only keys of data_dir")
    assert captured.err.count("\n") == 1


def test_passwords_are_masked_in_every_line():
    lines = Finding("x", "http://me:secret@host", "http://me:secret@host").lines()
    assert "secret" not in "".join(lines)


@pytest.mark.process
def test_it_answers_within_three_seconds(tmp_path):
    words = [sys.executable, "-m", "imbench", "doctor", f"results_dir={tmp_path}"]
    before = os.times()
    subprocess.run(words, cwd=ROOT, check=True, capture_output=True, timeout=60)
    after = os.times()
    # Processor time: others use the machine as well.
    used = [getattr(after, k) - getattr(before, k) for k in ("children_user", "children_system")]
    assert 0 < sum(used) < 3
