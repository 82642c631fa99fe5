"""Passwords and tokens of addresses leave the program nowhere."""

import contextlib

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from imbench.cli import main
from imbench.errors import ConfigError, Incompatible, masked, reason_of
from imbench.report.mlflow.address import Address, first_line
from imbench.report.mlflow.content import params_of, tags_of
from imbench.results.fold import CellResult
from imbench.run.warning_log import WarningLog

# No spaces and no percent sign: an address cannot hold them.
SIGNS = "abcXYZ019/@:?#&=+$,;!()[]~._-äß"
SECRETS = st.text(SIGNS, min_size=6, max_size=30).filter(
    # Of a query `&` begins the next key, so that it cannot be in a value.
    lambda text: text not in "postgresql+psycopg://user:***@host.example:5432/runs?password=&token="
)
ADDRESSES = (
    "postgresql+psycopg://me:{}@host.example:5432/runs",
    "mysql://{}@host/runs",
    "http://me:{}@host:5000",
    "http://{}@host:5000/path",
    "https://{}:x-oauth-basic@host",
    "https://{}:@host",
    "http://host:5000/?user=me&password={}",
    "https://host/runs?token={}&x=1",
    "https://host/runs?api_key={}",
    "postgresql:///runs?host=h&password={}",
)
IN_A_QUERY = ADDRESSES[6:]


def filled(address, secret):
    if address in IN_A_QUERY:
        return address.format(secret.replace("&", "-").strip(".,:;)]}"))
    return address.format(secret)


@pytest.mark.parametrize("address", ADDRESSES)
@settings(max_examples=25, deadline=None, derandomize=True)
@given(secret=SECRETS)
def test_the_secret_is_in_no_text_that_leaves(address, secret):
    uri = filled(address, secret)
    secret = uri[address.index("{") : len(uri) - len(address.partition("}")[2])]
    if len(secret) < 6:
        return
    told = f"tracking.uri={uri} cannot be opened ({uri}, 'x'): correct it."
    log = WarningLog()
    log.show(UserWarning(told), UserWarning)
    (warned,) = log._lines[None]
    texts = [
        masked(uri),
        masked(told),
        masked(f'File "x.py", line 3\n  open("{uri}")\nOSError: {told}'),
        str(ConfigError(told)),
        repr(ConfigError(told)),
        Incompatible(told).reason,
        reason_of(OSError(told)),
        reason_of(ValueError(told)),
        first_line(OSError(told)),
        Address(uri).public,
        warned,
    ]
    assert [text for text in texts if secret in text] == []


def test_what_holds_no_secret_is_left_as_it_is():
    for text in (
        "sqlite:///results/a@b/mlflow.db",
        "tracking.uri=http://localhost:5000 cannot be opened (nothing answers there).",
        "class 'a@b:c' has 3 rows; set splits.n_splits=3.",
        "dataset.target=password is missing.",
        "see https://imbench.example/docs#tokens.",
    ):
        assert masked(text) == text


def test_a_password_with_spaces_is_masked_to_the_last_at_of_the_line():
    assert masked("a postgresql://me:p w@x y@host/db b") == "a postgresql://me:***@host/db b"
    assert Address("http://my token@host").public == "http://***@host"


URI = "http://robot:hunter2/x@y@127.0.0.1:9/?token=hunter2&password=hunter2"


def test_tags_and_parameters_of_mlflow_hold_no_secret():
    cell = CellResult(
        "0f1a", "toy", "knn", "none", (), n_folds=1, config={"model": {"url": URI, "k": [URI]}},
        status="failed", reason=f"OSError: {URI} is away",
    )  # fmt: skip
    assert "hunter2" not in str(tags_of(cell)) + str(params_of(cell))


WRONG = [
    ("tracking=mlflow", f"tracking.urii='{URI}'"),
    ("tracking=mlflow", f"tracking.uri=[{URI}"),
    (f"tracking={URI}",),
    (f"'{URI}'=3",),
    ("tuning=optuna", f"tuning.storage='no{URI}'", "device=gpu", "tracking=none"),
    (f"dataset.path={URI}", "dataset=table", "dataset.target=y", "tracking=none"),
    ("--cfg", "tracking=mlflow", f"tracking.uri='{URI}'"),
    ("sync", f"tracking.uri='{URI}'"),
    ("report", URI),
    (f"--config-dir={URI}",),
    (f"results_dir={URI}?", "tracking=mlflow"),
]


@pytest.mark.parametrize("words", WRONG, ids=range(len(WRONG)))
def test_no_command_tells_a_secret(words, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    with contextlib.suppress(SystemExit):
        main(list(words))
    captured = capsys.readouterr()
    assert captured.out + captured.err
    assert "hunter2" not in captured.out + captured.err


@pytest.mark.process
def test_a_run_that_cannot_be_exported_tells_no_secret(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["tracking=mlflow", f"tracking.uri='no{URI}'", "dataset=synthetic"]) == 2
    err = capsys.readouterr().err
    assert "tracking.uri=nohttp://robot:***@" in err
    assert "hunter2" not in err
    assert not [p for p in tmp_path.rglob("*") if p.is_file() and b"hunter2" in p.read_bytes()]


def test_the_printed_configuration_can_still_be_read(capsys):
    assert main(["--cfg", "tracking=mlflow", f"tracking.uri='{URI}'"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)["tracking"]["uri"].startswith("http://robot:***")
