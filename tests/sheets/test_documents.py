"""From arguments to documents: archives, their names and limits, passwords, and what they never do."""

from __future__ import annotations

import io
import struct
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import timedelta, timezone
from pathlib import Path

import msoffcrypto
import pytest
import pyzipper
from openpyxl import Workbook

from siyu_cli.errors import InputRefused
from siyu_cli.files import Skipped
from siyu_cli.sheets.documents import Document, open_documents
from siyu_cli.sheets.unlock import Passwords, given_passwords

TZ = timezone(timedelta(hours=8))
CSV = "手机号,姓名\n13800005671,甲\n"


def opened(
    folder: Path, *given: Path, passwords: Passwords | None = None
) -> tuple[list[Document], list[Skipped]]:
    scratch = Path(tempfile.mkdtemp(prefix="scratch-", dir=folder))
    return open_documents(given, scratch, passwords or Passwords(), TZ)


def refusal(folder: Path, *given: Path, passwords: Passwords | None = None) -> InputRefused:
    with pytest.raises(InputRefused) as caught:
        opened(folder, *given, passwords=passwords)
    assert caught.value.message
    assert caught.value.hint
    return caught.value


def archive(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return path


def raw_named(path: Path, names: Sequence[bytes]) -> Path:
    """A zip whose names are these bytes, as Windows programs write them: without the UTF-8 flag."""
    stand_ins = {chr(ord("A") + number) * len(name): name for number, name in enumerate(names)}
    with zipfile.ZipFile(path, "w") as made:
        for stand_in in stand_ins:
            made.writestr(stand_in, CSV)
    content = path.read_bytes()
    for stand_in, name in stand_ins.items():
        content = content.replace(stand_in.encode(), name)
    path.write_bytes(content)
    return path


def locked_zip(path: Path, password: bytes, members: dict[str, str]) -> Path:
    with pyzipper.AESZipFile(
        path, "w", compression=pyzipper.ZIP_DEFLATED, encryption=pyzipper.WZ_AES
    ) as made:
        made.setpassword(password)
        for name, content in members.items():
            made.writestr(name, content)
    return path


# ZipCrypto cannot be written from Python: made once with Info-ZIP `zip -P 私密1 名单.zip 名单.csv` (UTF-8 password).
ZIPCRYPTO = bytes.fromhex(
    "504b03040a00090000001d1e765dfe8bb6ca2d000000210000000a001c00e5908de58d952e6373765554090003296602"
    "6b2966026b75780b0001040000000004000000007cca08ba230594e4562113e25226032f20b9a57842254f930bbae89b"
    "7d37bb55c16d5e18ae644e63700e084452504b0708fe8bb6ca2d00000021000000504b01021e030a00090000001d1e76"
    "5dfe8bb6ca2d000000210000000a0018000000000001000000a48100000000e5908de58d952e63737655540500032966"
    "026b75780b000104000000000400000000504b0506000000000100010050000000810000000000"
)


def locked_xlsx(path: Path, password: str) -> Path:
    book = Workbook()
    book.active.append(["手机号", "姓名"])  # type: ignore[union-attr]
    book.active.append(["13800005671", "甲"])  # type: ignore[union-attr]
    plain = io.BytesIO()
    book.save(plain)
    with path.open("wb") as out:
        msoffcrypto.OfficeFile(plain).encrypt(password, out)
    return path


def test_an_archive_gives_its_spreadsheets_by_the_names_the_operator_sees(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "七月.zip",
        {
            "7月/订单.csv": CSV, "7月/明细/订单.csv": CSV, "说明.txt": "你好", "__MACOSX/7月/._订单.csv": "x",
            "7月/.DS_Store": "x", "7月/~$订单.xlsx": "x", "7月/空.csv": "",
        },
    )  # fmt: skip
    documents, skipped = opened(tmp_path, path)
    assert [document.name for document in documents] == [
        "七月.zip/7月/订单.csv",
        "七月.zip/7月/明细/订单.csv",
    ]
    assert {document.path.read_text(encoding="utf-8") for document in documents} == {CSV}
    assert {document.given for document in documents} == {path}
    assert all(document.path.relative_to(tmp_path).parts[0].startswith("scratch-") for document in documents)
    assert {one.file: one.reason for one in skipped} == {
        "七月.zip/说明.txt": "no-spreadsheet", "七月.zip/__MACOSX/7月/._订单.csv": "hidden-file",
        "七月.zip/7月/.DS_Store": "hidden-file", "七月.zip/7月/~$订单.xlsx": "lock-file", "七月.zip/7月/空.csv": "empty-file",
    }  # fmt: skip


def test_names_without_the_utf8_flag_are_gbk_or_utf8(tmp_path: Path) -> None:
    # 誠 is D5 5C in GBK: its second byte is a backslash.
    names = ["订单导出.csv", "誠店/订单.csv"]
    gbk = raw_named(tmp_path / "gbk.zip", [name.encode("gbk") for name in names])
    utf8 = raw_named(tmp_path / "utf8.zip", [name.encode() for name in names])
    for path in (gbk, utf8):
        documents, _ = opened(
            tmp_path / path.stem if (tmp_path / path.stem).mkdir() is None else tmp_path, path
        )
        assert [document.name for document in documents] == [f"{path.name}/{name}" for name in names]


def test_a_member_keeps_its_time_for_the_export_moment(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr(zipfile.ZipInfo("有.csv", (2025, 3, 15, 10, 0, 2)), CSV)
        made.writestr(zipfile.ZipInfo("无.csv"), CSV)  # 1980: the packer said nothing
    documents, _ = opened(tmp_path, path)
    times = {document.path.name: document.path.stat().st_mtime for document in documents}
    assert times["有.csv"] == 1742004002  # 2025-03-15 10:00:02 in Shanghai
    assert times["无.csv"] == pytest.approx(path.stat().st_mtime, abs=1)


@pytest.mark.parametrize(
    "name", ["../外面.csv", "/etc/外面.csv", "C:\\外面.csv", "a/../../外面.csv", "..\\外面.csv"]
)
def test_a_name_that_points_out_refuses_the_archive_and_writes_nothing(tmp_path: Path, name: str) -> None:
    path = archive(tmp_path / "坏.zip", {"好.csv": CSV, name: CSV})
    assert refusal(tmp_path, path).code == "archive-unsafe-name"
    assert not list(tmp_path.rglob("*.csv"))


def test_odd_names_become_harmless_files(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {'订:单*?"<>|\x1b[31m.csv': CSV, f"{'长' * 120}.csv": CSV})
    documents, _ = opened(tmp_path, path)
    assert len(documents) == 2
    assert "\x1b" not in documents[0].name
    assert all(document.path.read_text(encoding="utf-8") == CSV for document in documents)


def bomb_of_one(path: Path) -> Path:
    return archive(path, {"大.csv": b"0" * (40 << 20)})


def bomb_of_many(path: Path) -> Path:
    return archive(path, {f"{number}.csv": CSV for number in range(2_001)})


def bomb_by_its_word(path: Path) -> Path:
    """Says of itself that it holds 5 GiB; is not unpacked to see."""
    archive(path, {"大.csv": CSV})
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\x01\x02")
    content[at + 24 : at + 28] = struct.pack("<I", 0xFFFFFFFE)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("make", [bomb_of_one, bomb_of_many, bomb_by_its_word])
def test_bombs_are_refused_before_anything_is_unpacked(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    assert refusal(tmp_path, make(tmp_path / "弹.zip")).code == "archive-too-large"
    assert not list(tmp_path.glob("scratch-*/*"))


def test_a_size_that_lies_is_caught_while_unpacking(tmp_path: Path) -> None:
    """Declared 10 bytes, inflates to 40 MiB: no more than declared is ever written, and the file is refused."""
    path = bomb_of_one(tmp_path / "谎.zip")
    content = bytearray(path.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.index(signature)
        content[at + offset : at + offset + 4] = struct.pack("<I", 10)
    path.write_bytes(content)
    assert refusal(tmp_path, path).code == "broken-archive"
    assert all(file.stat().st_size <= 10 for file in tmp_path.glob("scratch-*/**/*") if file.is_file())


def test_an_archive_in_an_archive_is_refused_by_name_and_by_bytes(tmp_path: Path) -> None:
    inner = archive(tmp_path / "里.zip", {"订单.csv": CSV}).read_bytes()
    for name in ("里.zip", "里.csv"):
        error = refusal(tmp_path, archive(tmp_path / f"外{name[-3:]}.zip", {name: inner}))
        assert error.code == "nested-archive"
        assert name in error.message


def test_half_an_archive_and_one_without_spreadsheets(tmp_path: Path) -> None:
    whole = archive(tmp_path / "a.zip", {"订单.csv": CSV * 500})
    half = tmp_path / "半.zip"
    half.write_bytes(whole.read_bytes()[:200])
    assert refusal(tmp_path, half).code == "broken-workbook"
    assert refusal(tmp_path, archive(tmp_path / "图.zip", {"图.png": "x"})).code == "nothing-to-read"
    damaged = bytearray(whole.read_bytes())
    damaged[60] ^= 0xFF
    (tmp_path / "坏.zip").write_bytes(damaged)
    assert refusal(tmp_path, tmp_path / "坏.zip").code == "broken-archive"


@pytest.mark.parametrize("password", ["Abc123", "私密1"])
def test_a_locked_archive_opens_with_its_password_only(tmp_path: Path, password: str) -> None:
    path = locked_zip(tmp_path / "锁.zip", password.encode(), {"名单.csv": CSV, "二.csv": CSV})
    documents, _ = opened(tmp_path, path, passwords=Passwords(("错的", password)))
    assert [document.path.read_text(encoding="utf-8") for document in documents] == [CSV, CSV]
    assert refusal(tmp_path, path, passwords=Passwords(("错的",))).code == "wrong-password"
    missing = refusal(tmp_path, path)
    assert missing.code == "password-protected"
    assert "SIYU_FILE_PASSWORD" in missing.hint


def test_a_gbk_password_of_an_archive_fits(tmp_path: Path) -> None:
    path = locked_zip(tmp_path / "锁.zip", "私密1".encode("gbk"), {"名单.csv": CSV})
    documents, _ = opened(tmp_path, path, passwords=Passwords(("私密1",)))
    assert documents[0].path.read_text(encoding="utf-8") == CSV


def test_the_old_zip_encryption_opens(tmp_path: Path) -> None:
    path = tmp_path / "旧.zip"
    path.write_bytes(ZIPCRYPTO)
    documents, _ = opened(tmp_path, path, passwords=Passwords(("wrong", "私密1")))
    assert documents[0].path.read_text(encoding="utf-8") == CSV
    assert refusal(tmp_path, path, passwords=Passwords(("wrong",))).code == "wrong-password"


def test_a_locked_workbook_is_opened_into_the_scratch_folder(tmp_path: Path) -> None:
    path = locked_xlsx(tmp_path / "名单.xlsx", "私密1")
    (document,), _ = opened(tmp_path, path, passwords=Passwords(("wrong", "私密1")))
    assert (document.name, document.path.name) == ("名单.xlsx", "名单.xlsx")
    assert document.path.relative_to(tmp_path).parts[0].startswith("scratch-")
    assert zipfile.is_zipfile(document.path)
    assert document.path.stat().st_mtime == path.stat().st_mtime
    assert document.path.stat().st_mode & 0o077 == 0
    assert refusal(tmp_path, path, passwords=Passwords(("wrong",))).code == "wrong-password"
    assert refusal(tmp_path, path).code == "password-protected"


def test_a_workbook_locked_by_excel_itself_needs_no_password(tmp_path: Path) -> None:
    (document,), _ = opened(tmp_path, locked_xlsx(tmp_path / "结构.xlsx", "VelvetSweatshop"))
    assert zipfile.is_zipfile(document.path)


def test_a_locked_workbook_in_a_locked_archive(tmp_path: Path) -> None:
    book = locked_xlsx(tmp_path / "名单.xlsx", "里面")
    with pyzipper.AESZipFile(tmp_path / "锁.zip", "w", encryption=pyzipper.WZ_AES) as made:
        made.setpassword("外面".encode())
        made.write(book, "名单.xlsx")
    (document,), _ = opened(tmp_path, tmp_path / "锁.zip", passwords=Passwords(("里面", "外面")))
    assert document.name == "锁.zip/名单.xlsx"
    assert zipfile.is_zipfile(document.path)


def test_an_endless_key_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hostile workbook may ask for 10,000,000 hash rounds per password."""
    path = locked_xlsx(tmp_path / "慢.xlsx", "x")
    monkeypatch.setattr("siyu_cli.sheets.unlock._MOST_SPINS", 99_999)
    assert refusal(tmp_path, path, passwords=Passwords(("x",))).code == "unusable-password-protection"


def test_a_person_is_asked_three_times_and_remembered(tmp_path: Path) -> None:
    answers = iter(["错", "私密1"])
    asked = []

    def ask(file: str, was_wrong: bool) -> str:
        asked.append((file, was_wrong))
        return next(answers)

    one, two = (locked_xlsx(tmp_path / name, "私密1") for name in ("一.xlsx", "二.xlsx"))
    documents, _ = opened(tmp_path, one, two, passwords=Passwords(ask=ask))
    assert len(documents) == 2
    assert asked == [("一.xlsx", False), ("一.xlsx", True)]
    always_wrong = Passwords(ask=lambda *what: asked.append(what) or "错")  # type: ignore[arg-type,func-returns-value]
    assert refusal(tmp_path, one, passwords=always_wrong).code == "wrong-password"
    assert len(asked) == 5
    assert refusal(tmp_path, two, passwords=Passwords(ask=lambda *_: "")).code == "password-protected"


def test_passwords_come_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert given_passwords(None) == ()
    monkeypatch.setenv("SIYU_FILE_PASSWORD", " 有空格 ")
    assert given_passwords(None) == (" 有空格 ",)
    file = tmp_path / "密码.txt"
    file.write_bytes("\ufeff一\r\n\r\n二\n一\n".encode())
    assert given_passwords(file) == ("一", "二")
    file.write_bytes("私密".encode("gbk"))
    assert given_passwords(file) == ("私密",)
    for content, code in ((b"\n", "empty-password-file"), (None, "unreadable-password-file")):
        file.unlink() if content is None else file.write_bytes(content)
        with pytest.raises(InputRefused) as caught:
            given_passwords(file)
        assert caught.value.code == code
