import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import polars as pl
import pytest

from persona_assets.errors import UserError
from persona_assets.report import findings
from persona_assets.report.html import CHAPTERS, write_html
from persona_assets.run_record import CheckOutcome

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Elements, links and text of a page; an unbalanced tag fails."""

    def __init__(self, markup):
        super().__init__()
        self.open, self.elements, self.text = [], [], []
        self.feed(markup)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def words(self):
        return " ".join(" ".join(self.text).split())


@pytest.fixture(scope="module")
def markup(full, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "report.html"
    write_html(full, path)
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(markup):
    return Page(markup)


def test_the_page_needs_nothing_from_outside(page, markup):
    assert page.all("script") == []
    assert page.all("link") == []
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert not re.search(r"https?:|url\(|@import", markup)
    assert any("default-src 'none'" in meta.get("content", "") for meta in page.all("meta"))


def test_the_table_of_contents_leads_to_every_chapter(page):
    targets = [link["href"].removeprefix("#") for link in page.all("a")]
    assert targets == [section["id"] for section in page.all("section")]
    assert len(set(targets)) == len(CHAPTERS)


def test_every_plot_is_an_image_with_a_description(page):
    images = page.all("img")
    assert len(images) == 14
    for image in images:
        assert image["alt"]
        content = base64.b64decode(image["src"].partition(",")[2], validate=True)
        assert content.startswith(b"\x89PNG")


def test_texts_are_escaped(page, markup):
    assert "Ship challenger_2 <b>now</b>." in page.words
    assert page.all("b") == []
    assert "Ship challenger_2 &lt;b&gt;now" in markup


def test_every_finding_is_in_it_word_for_word(page, full):
    for say in (
        *(findings.outcome, findings.conservation, findings.against_popularity),
        *(findings.pairs, findings.ages, findings.cold_start),
        *(findings.customers, findings.churn, findings.cleaning),
        *(findings.replay, findings.drift, findings.experiment, findings.checks),
    ):
        assert say(full) in page.words, say


def test_numbers_of_every_part_are_in_it(page, full):
    version = full.tables["raw/events"].version
    for text in (
        "als 0.400 [0.370, 0.440]",  # nDCG and its interval
        "0.100 [0.050, 0.150] better",  # lift
        "als 1.400 – 1.400 1.400 1.400 1.400 1.400",  # beyond accuracy, diversity not defined
        "als popularity +0.100 [-0.050, 0.200] better 0.010 0.080",  # pairs
        "model cold (40 users) new (40 users) als 0.300 [0.250, 0.350] 0.300",  # segments
        "By customer segment (see below): model Lost (40 users)",
        "als 0.350 0.070 2 2",  # replay: mean, standard deviation, weeks, weeks ahead
        "unit_price x 0.250 0.100 yes",  # drift
        "Champions They spend <far> more. What to do: Act 1 & more. 2 33.3 % 80.0 % Lapsing They",
        "no user 10 – 90 7 outliers – 5 90 7",  # cleaning: taken away, marked, left
        "control (popularity) 4, challenger_1 (als) 3, challenger_2 (bpr) 3",
        "challenger_1 (als) control Conversion 5.00 % 6.00 % +1.00 pp [0.20, 1.80] +1.20 pp",
        "challenger_1 (als) control Revenue per user 0.05 0.06 +0.01 [0.00, 0.02]",
        f"raw/events 3: 2025-01-01 to 2025-01-03 30 {version} 20.0 s",
        "mart/quarantine few 2025-01-01, 2025-01-02, 2025-01-03 and 1 more many rejected",
    ):
        assert text in page.words, text


def test_the_smaller_of_many_differences_are_folded_away(full, tmp_path):
    pairs = pl.concat(
        full.pairs.with_columns(difference=pl.lit(each / 100), other=pl.lit(f"other{each}"))
        for each in range(17)
    )
    write_html(replace(full, pairs=pairs), tmp_path / "r.html")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    shown, _, hidden = text.partition("<details>")
    folded, _, _ = hidden.partition("</details>")
    rows = findings.primary(pairs).height
    assert f"<summary>{rows - 15} smaller differences</summary>" in folded
    assert "other16" in shown
    assert "other0<" in folded
    assert "other0<" not in shown


def test_a_failed_check_is_the_headline_and_named(full, tmp_path):
    checks = (CheckOutcome("mart/sessions", "contract", "2025-01-02", "failed", "negative"),)
    write_html(replace(full, run=replace(full.run, checks=checks)), tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.words.count("1 check failed: do not rely on the numbers below") == 1
    assert "failed mart/sessions contract 2025-01-02 negative" in page.words
    assert "0 of 1 1 failed, 0 warned" in page.words


def test_the_same_report_gives_the_same_bytes(full, markup, tmp_path):
    write_html(full, tmp_path / "again.html")
    assert (tmp_path / "again.html").read_text(encoding="utf-8") == markup


def test_an_empty_home_has_a_page_without_plots(bare, tmp_path):
    write_html(bare, tmp_path / "new folder" / "r.html")
    page = Page((tmp_path / "new folder" / "r.html").read_text(encoding="utf-8"))
    assert page.all("img") == []
    assert page.all("table") == []
    assert len(page.all("section")) == len(CHAPTERS)


@pytest.mark.parametrize(
    "parts", [["events"], ["evaluation"], ["monitoring"], ["experiment"], ["segmentation"]]
)
def test_half_a_home_has_a_page(half, parts, tmp_path):
    write_html(half(*parts), tmp_path / "r.html")
    assert len(Page((tmp_path / "r.html").read_text(encoding="utf-8")).all("img")) >= 1


def test_a_page_that_cannot_be_written_is_said(bare, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match=r"cannot write the report to .*name a file"):
        write_html(bare, tmp_path / "file" / "r.html")


def test_no_rejected_value_and_no_user_is_repeated(markup):
    assert "secret" not in markup
    assert "control0" not in markup
    assert "member1" not in markup


@pytest.mark.parametrize(
    ("missing", "images"),
    [
        ("customer_features", 3),
        ("customer_segments", 3),
        ("clustering_comparison", 5),
        ("cleaning_steps", 5),
        ("segment_migration", 5),
        ("segment_profiles", 0),
    ],
)
def test_a_missing_table_of_segments_takes_its_plots_away_and_nothing_else(
    half, missing, images, tmp_path
):
    report = half("segmentation", without=f"segmentation/{missing}")
    write_html(report, tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert len(page.all("img")) == images
    assert findings.customers(report) in page.words
