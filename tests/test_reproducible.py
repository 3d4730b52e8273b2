"""With SOURCE_DATE_EPOCH, the same files make the same bytes, wherever and by whomever."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import stat
import struct
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from artifacts import members
from backends import OURS, PLAIN, SAMPLES, HookProcess, HookServer
from isolated_backend.reproducible import NormalForm
from isolated_backend.shortcuts.compression import gzipped_tar
from trial import LEGACY

Sample = Callable[[str], Path]

EPOCH = "1600000001"
DATE = (2020, 9, 13, 12, 26, 40)  # a zip archive counts in twos

HOOKS = {"build_sdist": "sdist_directory", "build_wheel": "wheel_directory"}


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, HookServer]]:
    place = tmp_path_factory.mktemp("servers")
    plain, ours = (HookServer(backend, place, environment={}) for backend in (PLAIN, OURS))
    with plain, ours:
        yield {PLAIN: plain, OURS: ours}


def two_copies(name: str, place: Path) -> tuple[Path, Path]:
    """Return two copies of a sample that no git could tell apart, and everybody else can."""
    copies = []
    for directory, mask, moment in (("a/one", 0o022, 1_500_000_000), ("b", 0o077, 1_700_000_000)):
        copy = place / directory
        shutil.copytree(SAMPLES / name, copy, symlinks=True)
        for number, path in enumerate(sorted(copy.rglob("*"))):
            if not path.is_symlink():
                path.chmod(stat.S_IMODE(path.stat().st_mode) & ~mask)
                # A fraction of a second, and times before the epoch: both are recorded otherwise.
                os.utime(path, ns=((moment + number) * 10**9 + 5,) * 2)
        copies.append(copy)
    return copies[0], copies[1]


def made_twice(server: HookServer, name: str, place: Path) -> dict[str, list[Path]]:
    """Return what each hook makes of both copies, under different umasks."""
    found: dict[str, list[Path]] = {hook: [] for hook in HOOKS}
    for number, copy in enumerate(two_copies(name, place / server.backend)):
        server.pristine, server.root = copy, copy.with_name(f"root of {copy.name}")
        server.environment, server.umask = {"SOURCE_DATE_EPOCH": EPOCH}, (0o022, 0o077)[number]
        server.backend = server.backend.partition(":")[0] + ":__legacy__" * (name in LEGACY)
        for hook, parameter in HOOKS.items():
            out = place / server.backend / hook / str(number)
            out.mkdir(parents=True)
            (outcome,) = server((hook, {parameter: str(out)}))
            assert not outcome.error, server.output
            found[hook].append(out / outcome.result)
    server.backend = server.backend.partition(":")[0]
    return found


@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.iterdir()))
def test_two_builds_are_the_same_bytes(
    name: str, servers: dict[str, HookServer], tmp_path: Path
) -> None:
    """In other directories, under another umask, of files with other times and modes."""
    plain = made_twice(servers[PLAIN], name, tmp_path)
    one, two = plain["build_sdist"]
    assert one.read_bytes() != two.read_bytes()  # or this would show nothing

    ours = made_twice(servers[OURS], name, tmp_path)
    one, two = ours["build_sdist"]
    assert members(one) == members(two)  # names what is unlike
    assert one.read_bytes() == two.read_bytes()
    one, two = ours["build_wheel"]
    if one.name.endswith("-none-any.whl"):
        assert members(one) == members(two)
        assert one.read_bytes() == two.read_bytes()


def test_setuptools_wheels_depend_on_modes(servers: dict[str, HookServer], tmp_path: Path) -> None:
    """The control: setuptools itself minds the variable, but for the times in a wheel only."""
    one, two = made_twice(servers[PLAIN], "src_layout", tmp_path)["build_wheel"]
    assert members(one) != members(two)


# --- however it was made ------------------------------------------------------------------------

OVERRIDES = {
    "nothing": "",
    "a staged tree": "def make_release_tree(self, base, files):\n"
    "        super().make_release_tree(base, files)",
    "its own archive": """def make_archive(self, base_name, format, **options):
        import tarfile
        with tarfile.open(base_name + ".tar.gz", "w:gz") as archive:
            archive.add("setup.py", "demo-1/setup.py")
            archive.add("setup.py", "demo-1/again.py")
        return base_name + ".tar.gz\"""",
    "what it does to a finished one": """def make_distribution(self):
        super().make_distribution()
        import gzip, os
        (made,) = self.archive_files
        with gzip.open(made) as file:
            content = file.read()
        with gzip.open(made, "wb", 1) as file:
            file.write(content)
        os.utime(made, (1, 1))""",
}


@pytest.mark.parametrize("override", OVERRIDES)
def test_whoever_has_written_it_it_is_in_normal_form(override: str, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (root / "demo.py").touch(0o600)
    (root / "setup.py").write_text(
        "import setuptools\nfrom setuptools.command.sdist import sdist\n"
        f"class mine(sdist):\n    {OVERRIDES[override] or 'pass'}\n"
        "setuptools.setup(name='demo', version='1', py_modules=['demo'], cmdclass={'sdist': mine})"
    )
    made = build(root, "build_sdist", tmp_path / "ours")
    plain = build(root, "build_sdist", tmp_path / "plain", PLAIN)
    assert [entry[0] for entry in members(made)] == [entry[0] for entry in members(plain)]
    assert_normal(made)
    with pytest.raises(AssertionError):
        assert_normal(plain)


def build(root: Path, hook: str, out: Path, backend: str = OURS, epoch: str = EPOCH) -> Path:
    out.mkdir()
    process = HookProcess(backend, root, environment={"SOURCE_DATE_EPOCH": epoch})
    (outcome,) = process((hook, {HOOKS[hook]: str(out)}))
    assert not outcome.error, outcome.message
    return out / str(outcome.result)


def assert_normal(sdist: Path, epoch: int = int(EPOCH)) -> None:
    header = sdist.read_bytes()[:10]
    assert header[3] == 0  # no name follows
    assert struct.unpack("<L", header[4:8]) == (0,)
    with tarfile.open(sdist) as archive:
        for member in archive:
            assert (member.mtime, member.uid, member.gid) == (epoch, 0, 0)
            assert (member.uname, member.gname) == ("", "")
            assert member.mode == (0o755 if member.isdir() else 0o644)
            assert member.pax_headers.keys() <= {"path"}


def test_a_wheel_is_not_compressed_again_if_it_is_normal(sample: Sample, tmp_path: Path) -> None:
    made = build(sample("src_layout"), "build_wheel", tmp_path / "out")
    with zipfile.ZipFile(made) as wheel:
        assert {info.external_attr >> 16 for info in wheel.infolist()} == {stat.S_IFREG | 0o644}
        assert {info.date_time for info in wheel.infolist()} == {DATE}
    before = made.stat().st_ino, made.read_bytes()
    NormalForm(int(EPOCH)).give(str(made))
    assert (made.stat().st_ino, made.read_bytes()) == before
    NormalForm(int(EPOCH) + 2).give(str(made))
    assert made.stat().st_ino != before[0]


@pytest.mark.parametrize(("epoch", "date"), [("0", (1980, 1, 1, 0, 0, 0)), (EPOCH, DATE)])
def test_a_time_that_a_wheel_cannot_hold_is_the_earliest_that_it_can(
    epoch: str, date: tuple[int, ...], sample: Sample, tmp_path: Path
) -> None:
    root = sample("src_layout")
    assert_normal(build(root, "build_sdist", tmp_path / "sdist", epoch=epoch), int(epoch))
    made = build(root, "build_wheel", tmp_path / "wheel", epoch=epoch)
    with zipfile.ZipFile(made) as wheel:
        assert {info.date_time for info in wheel.infolist()} == {date}


# --- what is not a time -------------------------------------------------------------------------


@pytest.mark.parametrize("value", ["", "now", "1.5", "-1", " 1", "1_000", "99999999999", "१२"])
@pytest.mark.parametrize("hook", HOOKS)
def test_a_value_that_is_no_time_is_one_clear_sentence(
    value: str, hook: str, sample: Sample, tmp_path: Path
) -> None:
    process = HookProcess(OURS, sample("src_layout"), environment={"SOURCE_DATE_EPOCH": value})
    (outcome,) = process((hook, {HOOKS[hook]: str(tmp_path / "out")}))
    assert outcome.error == "SystemExit"
    assert outcome.message == (
        "isolated-backend: SOURCE_DATE_EPOCH must be a whole number of seconds since 1970, before "
        f"the year 2108, not {value!r}; set it to one (`git log -1 --format=%ct`), or unset it."
    )
    assert not (tmp_path / "out").exists()


def test_hooks_that_make_no_archive_do_not_mind(sample: Sample) -> None:
    process = HookProcess(OURS, sample("src_layout"), environment={"SOURCE_DATE_EPOCH": "now"})
    (outcome,) = process(("get_requires_for_build_wheel", {}))
    assert outcome.result == []


# --- every kind of member -----------------------------------------------------------------------


def only_file(path: Path) -> Path:
    path.parent.mkdir()
    return path


def test_every_kind_of_member_of_an_sdist_stays_what_it_is(tmp_path: Path) -> None:
    made = only_file(tmp_path / "out" / "demo-1.tar.gz")
    long = "demo-1/" + "long/" * 60 + "ümlaut"
    with tarfile.open(made, "w:gz", format=tarfile.PAX_FORMAT) as archive:
        for name, kind, mode, link in (
            ("demo-1", tarfile.DIRTYPE, 0o2700, ""),
            ("demo-1/file", tarfile.REGTYPE, 0o600, ""),
            ("demo-1/program", tarfile.REGTYPE, 0o4711, ""),
            ("demo-1/hard", tarfile.LNKTYPE, 0o640, "demo-1/file"),
            ("demo-1/soft", tarfile.SYMTYPE, 0o755, "file"),
            (long, tarfile.REGTYPE, 0o010, ""),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.mode, member.linkname = kind, mode, link
            member.mtime, member.uid, member.uname, member.gname = 1.5, 2**31, "me", "us"
            member.pax_headers = {"comment": "hello", "atime": "3.5"}
            content = name.encode() * 3 if kind == tarfile.REGTYPE else b""
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    before = {entry[0]: (entry[1], *entry[3:]) for entry in members(made)}
    NormalForm(7).give(str(made))
    after = members(made)
    assert {entry[0]: (entry[1], *entry[3:]) for entry in after} == before
    modes = [entry[2] for entry in after]
    assert modes == ["0o755", "0o644", "0o755", "0o644", "0o777", "0o644"]
    with tarfile.open(made) as archive:
        assert {(m.mtime, m.uid, m.uname, m.gname) for m in archive} == {(7, 0, "", "")}
        assert [set(m.pax_headers) for m in archive] == [set()] * 5 + [{"path"}]
    assert os.listdir(made.parent) == [made.name]
    first = made.read_bytes()
    NormalForm(7).give(str(made))
    assert made.read_bytes() == first


def test_every_kind_of_member_of_a_wheel_stays_what_it_is(tmp_path: Path) -> None:
    made = only_file(tmp_path / "out" / "demo-1-py3-none-any.whl")
    kinds = {
        "demo/": (stat.S_IFDIR | 0o700, 0o755 | stat.S_IFDIR),
        "demo/ümlaut.py": (0o600, 0o644 | stat.S_IFREG),
        "demo/program": (stat.S_IFREG | 0o4711, 0o755 | stat.S_IFREG),
        "demo/link": (stat.S_IFLNK | 0o700, 0o777 | stat.S_IFLNK),
        "demo/none": (0, 0o644 | stat.S_IFREG),
    }
    with zipfile.ZipFile(made, "w") as wheel:
        wheel.comment = b"made by me"
        for name, (mode, _) in kinds.items():
            info = zipfile.ZipInfo(name, (2001, 2, 3, 4, 5, 6))
            info.external_attr, info.create_system = mode << 16 | 1, 0
            info.extra = struct.pack("<HHB", 0xCAFE, 1, 1)
            info.comment = b"me"
            info.compress_type = zipfile.ZIP_DEFLATED if "ü" in name else zipfile.ZIP_STORED
            wheel.writestr(info, b"" if name.endswith("/") else name.encode())
    before = [(entry[0], entry[1], entry[3]) for entry in members(made)]
    NormalForm(int(EPOCH)).give(str(made))
    assert [(entry[0], entry[1], entry[3]) for entry in members(made)] == before
    with zipfile.ZipFile(made) as wheel:
        assert wheel.comment == b""
        for info, (_, mode) in zip(wheel.infolist(), kinds.values(), strict=True):
            assert info.external_attr >> 16 == mode
            assert bool(info.external_attr & 0x10) == info.is_dir()
            assert (info.date_time, info.create_system, info.extra) == (DATE, 3, b"")
            assert info.comment == b""
    assert os.listdir(made.parent) == [made.name]


def test_the_archive_is_compressed_as_setuptools_does(tmp_path: Path) -> None:
    """Not one byte more than it makes of the same members."""
    made = tmp_path / "demo-1.tar.gz"
    content = b"".join(struct.pack("<L", number * number) for number in range(50_000))
    with gzipped_tar(str(made)) as archive:
        member = tarfile.TarInfo("demo-1/data")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    NormalForm(7).give(str(made))
    with gzip.open(made) as file:
        tar = file.read()
    assert made.stat().st_size <= len(gzip.compress(tar, 9))
