"""Delimited text: separators that are certain, quotes, ragged lines, headers, encodings."""

import pytest

from persona_assets.errors import UserError
from persona_assets.sources.reading import EmptyFile, FileFormat, read_text


def read(folder, content, name="a.csv", **arguments):
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_text(path, **arguments)


@pytest.mark.parametrize(
    ("content", "separator"),
    [
        ("user;price\nu1;12,50\nu2;1,25\n", ";"),
        ('user,"a;b;c"\nu1,"x;y"\n', ","),
        ("user\ttags\nu1\ta,b;c\n", "\t"),
        ("user|name\nu1|a, b\n", "|"),
        ("a, b;c\n1;2\n3;4\n", ";"),
        ("user\nu1\n", ","),
    ],
)
def test_the_separator_is_the_one_that_fits_all_lines(tmp_path, content, separator):
    assert read(tmp_path, content).separator == separator


def test_two_separators_that_fit_are_refused_unless_the_columns_or_a_setting_decide(tmp_path):
    content = "user,a;b\nu1,2;3\n"
    with pytest.raises(UserError, match=r"may be separated by comma \(2 columns\) or semicolon"):
        read(tmp_path, content)
    assert read(tmp_path, content, columns=["b"]).frame.rows() == [("3",)]
    chosen = read(tmp_path, content, options=FileFormat(separator=","))
    assert chosen.frame.rows() == [("u1", "2;3")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3 has 1 fields and the header 2"),
        ('a,b\n"x\ny",2\n1,2,3\n1,2,3\n', r"line 4 has 3 fields and the header 2 \(2 such lines\)"),
        ('a,b\n1,2\n"3,4\n5,6\n', "line 3 opens a quoted field that is never closed"),
        ('a,b\n1,2\n1,"2" x\n', "line 3 has text after the closing quote of a field"),
        ('a,b\n1,"2\n3,"x"\n', r"line 3 has text after .* \(opened in line 2\)"),
        ('a,b\n"1" x,2\n"3",4\n', "line 2 has text after the closing quote of a field"),
        ("a,b\n1\n2\n", r"line 2 has 1 fields and the header 2 \(2 such lines\)"),
        ("a,b\n1,2,\n3,4,5\n", r"line 2 has 3 fields and the header 2 \(2 such lines\)"),
        ("a,b\n1,2\n3,\0\n", "line 3 holds a NUL byte"),
        (b"a,b\r\n1,2\r\n3,\xe9\r\n", r"offset 12, in line 3\); .* set encoding = \"cp1252\""),
        ("a,b,a\n1,2,3\n", "two columns 'a', the 1st and the 3rd"),
        ("a,b, a \n1,2,3\n", "two columns 'a', the 1st and the 3rd"),
        ("BZh91AY", "a bzip2 archive"),
        ("<!doctype html><p>Log in</p>", "a web page"),
    ],
)
def test_a_malformed_line_is_named(tmp_path, content, message):
    with pytest.raises(UserError, match=message):
        read(tmp_path, content)


@pytest.mark.parametrize(
    "content",
    [
        ' a ,"b"\n1,2\n',
        "a,b,,\n1,2,,\n",
        "a,b,,\n1,2\n",
        "a,b\n1,2,,\n",
        "\n\na,b\n\n1,2\n\n",
        "sep=,\na,b\n1,2\n",
        "a,b\r1,2\r",
        "\ufeffa,b\r\n1,2",
    ],
)
def test_headers_and_lines_as_spreadsheets_write_them(tmp_path, content):
    assert read(tmp_path, content).frame.to_dict(as_series=False) == {"a": ["1"], "b": ["2"]}


def test_quotes_inside_unquoted_fields_and_escaped_by_backslash(tmp_path):
    inches = read(tmp_path, 'a,b\nFRAME 7" X,"y ""z"""\n')
    assert inches.frame.rows() == [('FRAME 7" X', 'y "z"')]
    spark = read(tmp_path, 'a,b\n"say \\"hi\\", you",C:\\new\n')
    assert spark.frame.rows() == [('say "hi", you', "C:\\new")]
    assert spark.notes == ('a.csv: quotes inside quoted fields are written \\"',)


def test_a_field_larger_than_a_block_is_read(tmp_path):
    large = "x" * 3_000_000
    assert read(tmp_path, f'a,b\n1,2\n"{large}",3\n').frame["a"].to_list() == ["1", large]


def test_a_stated_encoding_is_for_files_that_are_not_utf8(tmp_path):
    stated = FileFormat(encoding="cp1252")
    assert read(tmp_path, "a\n£\n".encode("cp1252"), options=stated).frame.rows() == [("£",)]
    assert read(tmp_path, "a\n£\n", options=stated).frame.rows() == [("£",)]


def test_utf16_without_mark_is_known_by_its_zeros(tmp_path):
    delivered = read(tmp_path, "a,b\n1,2\n".encode("utf-16-be"))
    assert (delivered.encoding, delivered.frame.rows()) == ("utf-16-be", [("1", "2")])


@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_a_file_without_content_is_empty(tmp_path, content):
    with pytest.raises(EmptyFile):
        read(tmp_path, content)


def test_a_first_row_of_data_is_not_shown(tmp_path):
    from persona_assets.sources.reading.headers import listed

    assert "ann@example.org" not in listed(["ann@example.org", "17", "2024-01-01"])
    assert listed(["user", "item"]) == "['user', 'item']"
    with pytest.raises(UserError, match="two columns of one content, the 1st and the 2nd"):
        read(tmp_path, "17850,17850\n1,2\n")
