"""Layers and archives: the same input gives the same bytes, and shared bytes are written once."""

from __future__ import annotations

import io
import json
import os
import tarfile

import pytest

from e2e.cluster.build.artifact import Artifact, digest_of, ensure
from e2e.cluster.images.layers import Recipe, make_layer, tar_above, tar_from
from e2e.cluster.images.oci import Image, write_archive
from e2e.cluster.images.program_layers import libraries_in
from e2e.cluster.progress import Progress


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTCRY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def layer(name, content=b"content", inputs="1"):
    recipe = Recipe(name=name, inputs=inputs, write=tar_from({f"/opt/{name}": content}))
    return make_layer(recipe, progress=Progress())


def test_a_layer_is_the_same_whoever_writes_it(tmp_path):
    folder = tmp_path / "folder"
    (folder / "below").mkdir(parents=True)
    (folder / "below" / "b").write_text("b")
    (folder / "a").write_text("a")
    (folder / "a").chmod(0o755)
    writes = tar_from({"/opt/x": folder})
    writes(tmp_path / "first.tar")
    os.utime(folder / "a", (1, 1))
    writes(tmp_path / "second.tar")
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()
    with tarfile.open(tmp_path / "first.tar") as tar:
        modes = {member.name: member.mode for member in tar}
    files = {"opt/x/a": 0o755, "opt/x/below/b": 0o644}
    assert modes == files | dict.fromkeys(("opt", "opt/x", "opt/x/below"), 0o755)


def test_a_layer_is_written_once_for_one_recipe():
    first = layer("one", b"first")
    assert layer("one", b"not looked at") == first
    assert layer("one", b"second", inputs="2") != first


def test_old_layers_are_forgotten_and_the_used_one_is_kept(cache):
    for number in range(6):
        latest = layer("one", f"content {number}".encode(), inputs=str(number))
    assert latest.path.exists()
    assert len(list((cache / "layers").glob("*.tar"))) == 3


def test_what_a_killed_writer_left_goes(cache):
    left = cache / "layers" / ".new-one-killed"
    left.mkdir(parents=True)
    layer("one")
    assert not left.exists()


def test_a_layer_above_another_holds_the_difference_alone(tmp_path):
    base, whole, above = (tmp_path / f"{name}.tar" for name in ("base", "whole", "above"))
    tar_from({"/etc/same": b"same", "/etc/changed": b"old", "/etc/gone": b"gone"})(base)
    tar_from({"/etc/same": b"same", "/etc/changed": b"new", "/opt/added": b"added"})(whole)
    tar_above(base, whole, above)
    with tarfile.open(above) as tar:
        files = {member.name: tar.extractfile(member) for member in tar if member.isreg()}
        found = {name: file.read() for name, file in files.items() if file}
        assert {member.name for member in tar if member.isdir()} == {"opt"}
    assert found == {"etc/changed": b"new", "opt/added": b"added"}


def test_a_changed_mode_or_link_is_a_difference_and_a_time_is_none(tmp_path):
    def write(path, *, mode, target, time):
        with tarfile.open(path, "w") as tar:
            for name, kind in (("file", tarfile.REGTYPE), ("link", tarfile.SYMTYPE)):
                member = tarfile.TarInfo(name)
                member.type, member.mode, member.linkname, member.mtime = kind, mode, target, time
                tar.addfile(member)

    base, above = tmp_path / "base.tar", tmp_path / "above.tar"
    write(base, mode=0o644, target="a", time=1)
    for name, changes, expected in (
        ("later", {"mode": 0o644, "target": "a", "time": 2}, []),
        ("mode", {"mode": 0o755, "target": "a", "time": 1}, ["file", "link"]),
    ):
        write(tmp_path / name, **changes)
        tar_above(base, tmp_path / name, above)
        with tarfile.open(above) as tar:
            assert tar.getnames() == expected


def test_a_programs_libraries_are_those_that_are_files():
    listed = """\
\tlinux-vdso.so.1 (0x00007ffe3a5f2000)
\tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x00007f0b3c000000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0b3be00000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f0b3c5f1000)
"""
    assert libraries_in(listed) == [
        "/lib/x86_64-linux-gnu/libgcc_s.so.1",
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib64/ld-linux-x86-64.so.2",
    ]


def test_an_archive_holds_every_image_and_each_layer_once():
    base = layer("base")
    images = [
        Image(name="outcry/a:1", layers=(base, layer("a"))),
        Image(name="outcry/b:1", layers=(base, layer("b")), entrypoint=("b",), env={"PATH": "/bin"}),
    ]
    written = io.BytesIO()
    write_archive(images, written)
    written.seek(0)
    with tarfile.open(fileobj=written) as tar:
        names = tar.getnames()
        listed = tar.extractfile("index.json")
        assert listed is not None
        manifests = json.load(listed)["manifests"]
    assert len(names) == len(set(names))
    assert f"blobs/sha256/{base.digest}" in names
    found = {entry["annotations"]["io.containerd.image.name"]: entry["digest"] for entry in manifests}
    assert found == {f"docker.io/{image.name}": f"sha256:{image.digest}" for image in images}


def test_an_image_of_another_content_has_another_digest():
    before = Image(name="outcry/a:1", layers=(layer("a", b"1"),))
    assert Image(name="outcry/a:2", layers=before.layers).digest == before.digest
    assert Image(name="outcry/a:1", layers=(layer("a", b"2", inputs="2"),)).digest != before.digest


def artifact(build, recipe="1"):
    return Artifact(name="server", version="1", recipe=recipe, build=build)


def test_a_build_that_fails_leaves_nothing_that_looks_done(cache):
    def breaks(folder):
        (folder / "half").touch()
        raise RuntimeError("no room")

    with pytest.raises(RuntimeError):
        ensure(artifact(breaks), progress=Progress())
    assert not artifact(breaks).is_built
    assert not [path for path in (cache / "servers").iterdir() if path.is_dir()]


def test_another_recipe_builds_anew():
    ensure(artifact(lambda folder: (folder / "old").touch()), progress=Progress())
    folder = ensure(artifact(lambda folder: (folder / "new").touch(), recipe="2"), progress=Progress())
    assert {path.name for path in folder.iterdir()} == {".recipe", "new"}


def test_a_digest_tells_names_and_contents_apart(tmp_path):
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "a").write_text("x")
    first = digest_of(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.pyc").write_text("compiled")
    assert digest_of(folder) == first
    (folder / "a").rename(folder / "b")
    assert digest_of(folder) != first
