"""Folders of images: one folder a class, read as they are, or a sentence says why not."""

import numpy as np
import pytest
from PIL import Image

from imbench.cli import main
from imbench.data import cache
from imbench.data.checks import check
from imbench.data.description import describe
from imbench.data.image_folder import SUFFIXES, load_image_folder
from imbench.data.spec import DatasetSpec
from imbench.errors import ConfigError, DataError
from tests.dataset_files import write_images


@pytest.fixture
def folder(tmp_path):
    return write_images(tmp_path / "pictures")


def load(folder, **options):
    return load_image_folder(str(folder), **options)


def test_pixels_labels_and_names(folder):
    data = load(folder)
    assert (data.name, data.class_names) == ("pictures", ("bright", "dark"))
    assert data.input_shape == (1, 6, 8)
    assert data.y.tolist() == [0] * 4 + [1] * 4
    np.testing.assert_array_equal(
        data.X[5].reshape(6, 8), np.asarray(Image.open(folder / "dark" / "1.png"))
    )
    assert describe(data) == [
        "pictures: 8 images of 6 x 8 pixels, 1 channel",
        "pictures: classes: bright 4 (50.00 %), dark 4 (50.00 %)",
        "pictures: no image repeats another",
    ]
    assert check(data, n_splits=2) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_is_read(tmp_path, suffix):
    for name, grey in (("a", 40), ("b", 210)):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 3), grey).save(tmp_path / name / f"1{suffix}")
    data = load(tmp_path, channels=1)
    assert (np.abs(data.X.astype(int) - [[40], [210]]) < 3).all()


def test_colours_are_channels_first_and_grey_images_beside_them_are_colour(tmp_path):
    root = write_images(tmp_path / "p", mode="RGB")
    Image.new("L", (8, 6), 7).save(root / "dark" / "grey.png")
    data = load(root)
    assert data.input_shape == (3, 6, 8)
    first = np.asarray(Image.open(root / "bright" / "0.png"))
    np.testing.assert_array_equal(data.X[0].reshape(3, 6, 8), first.transpose(2, 0, 1))
    assert (data.X[-1] == 7).all()
    assert load(root, channels=1).input_shape == (1, 6, 8)


def test_sizes_that_differ_are_refused_with_a_fix_that_works(folder):
    Image.new("L", (5, 9)).save(folder / "dark" / "other.png")
    with pytest.raises(DataError, match=r"2 sizes .*6 x 8 \(8 images\), 9 x 5.*size=\[6,8\]'"):
        load(folder)
    assert load(folder, size=[6, 8]).X.shape == (9, 48)


def test_a_photo_is_turned_upright(folder):
    image = Image.new("L", (6, 8))
    exif = image.getexif()
    exif[274] = 6
    image.save(folder / "dark" / "turned.jpg", exif=exif)
    assert load(folder).input_shape == (1, 6, 8)


def write_split(root):
    for part, n in (("train", 4), ("test", 2)):
        write_images(root / part, n)
    return root


def test_folders_train_and_test_are_an_official_split(tmp_path):
    data = load(write_split(tmp_path))
    assert data.test_index.tolist() == [8, 9, 10, 11]
    assert data.counts.tolist() == [4, 4]
    assert describe(data)[-1].endswith("test: 4 rows (33.33 %)")


def test_two_classes_may_be_called_train_and_test(tmp_path):
    for name in ("train", "test"):
        (tmp_path / name).mkdir()
        Image.new("L", (4, 3), len(name)).save(tmp_path / name / "1.png")
    assert load(tmp_path).class_names == ("test", "train")


def break_one(folder):
    path = folder / "dark" / "1.png"
    path.write_bytes(path.read_bytes()[:60])


def no_image(folder):
    (folder / "dark" / "1.png").write_text("not an image")


def deep(folder):
    Image.fromarray(np.full((6, 8), 40000, np.uint16)).save(folder / "dark" / "1.png")


def empty(folder):
    (folder / "none").mkdir()
    (folder / "none" / "readme.txt").write_text("later")


def nested(folder):
    (folder / "dark" / "more").mkdir()


def one_class(folder):
    for path in (folder / "dark").iterdir():
        path.unlink()
    (folder / "dark").rmdir()


def validation(folder):
    write_split(folder)
    for name in ("bright", "dark"):
        (folder / name).rename(folder / f"val-{name}")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (break_one, r"1 of 8 images cannot be read \('dark/1\.png'\); replace or remove them\."),
        (no_image, r"1 of 8 images cannot be read \('dark/1\.png'\)"),
        (deep, r"1 of 8 images have more than 8 bits a channel \('dark/1\.png'\); convert"),
        (empty, r"the folder 'none' holds no image \(\.png, .*\); remove it"),
        (nested, r"the folder 'dark' of a class holds the folder 'more'; .*set '?dataset\.path="),
        (one_class, r"has one folder, 'bright', and needs one for each class"),
        (validation, r"has the folder 'val-bright' beside train and test"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_wrong_is_one_sentence(folder, damage, words):
    damage(folder)
    with pytest.raises(DataError, match=words) as caught:
        load(folder)
    assert len(str(caught.value).splitlines()) == 1


def test_a_class_in_the_test_folder_alone_is_refused(tmp_path):
    write_split(tmp_path)
    (tmp_path / "test" / "new").mkdir()
    Image.new("L", (8, 6)).save(tmp_path / "test" / "new" / "1.png")
    with pytest.raises(DataError, match="class 'new' stands in 1 test row only"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"size": 32}, r"dataset\.size=32: must be height and width"),
        ({"size": [32, 0]}, r"such as 'dataset\.size=\[32,32\]'"),
        ({"channels": 2}, r"dataset\.channels=2: must be 1 \(grey\), 3"),
    ],
)
def test_values_that_are_none_are_refused(folder, options, words):
    with pytest.raises(ConfigError, match=words):
        load(folder, **options)


def test_hidden_files_are_left_out_and_others_with_a_notice(folder):
    whole = load(folder).fingerprint
    for name in (".DS_Store", "Thumbs.db", "dark/.hidden.png"):
        (folder / name).write_text("x")
    (folder / ".git").mkdir()
    assert load(folder).notices == ()
    (folder / "labels.csv").write_text("x")
    Image.new("RGBA", (8, 6)).save(folder / "dark" / "z.png")
    frames = [Image.new("L", (8, 6), grey) for grey in (0, 200)]
    frames[0].save(folder / "dark" / "z.gif", save_all=True, append_images=frames[1:])
    data = load(folder, channels=1)
    codes = [notice.code for notice in data.notices]
    assert codes == ["ignored-files", "several-frames", "transparent-pixels"]
    assert whole != data.fingerprint


def test_the_cache_sees_which_folder_an_image_is_in(folder):
    spec = DatasetSpec.from_node(
        {"_target_": "imbench.data.image_folder.load_image_folder", "path": str(folder)}
    )
    before = cache.key_of(spec)
    assert before is not None
    (folder / "bright" / "3.png").rename(folder / "bright" / "9.png")
    (folder / "bright" / "9.png").rename(folder / "dark" / "-1.png")
    assert cache.key_of(spec) != before


@pytest.mark.parametrize("model", ["mlp", "cnn", "resnet18"])
def test_nets_are_trained_on_it(tmp_path, monkeypatch, capsys, model):
    write_split(tmp_path / "pictures")
    monkeypatch.chdir(tmp_path)
    code = main(
        ["dataset=image_folder", "dataset.path=pictures", f"model={model}", "splits=official",
         "model.estimator.epochs=1", "tracking=none", "device=cpu", "output=json"]
    )  # fmt: skip
    out, err = capsys.readouterr()
    assert code == 0, err
    assert '"status": "ok"' in out
    assert "pictures: 12 images of 6 x 8 pixels, 1 channel" in err
